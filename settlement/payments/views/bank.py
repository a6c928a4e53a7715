"""The operators' part in top-ups: the bank's statement, and money whose owner is not yet known."""

from dataclasses import asdict

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.names import local_name
from accounts.requests import PageRequest
from accounts.web import operator_required, refused_on
from settlement.payments.errors import BadStatement
from settlement.payments.filters import BankLineFilter
from settlement.payments.forms.bank import AssignForm, StatementForm
from settlement.payments.models import Approval, BankLine
from settlement.payments.operations import assign_bank_line, import_bank_lines
from settlement.payments.queries import suspense

LINES_A_PAGE = 50


@require_http_methods(["GET", "POST"])
@operator_required
def bank_lines(request: PageRequest) -> HttpResponse:
    form = StatementForm(request.POST or None, request.FILES or None)
    bad_lines = []
    if form.is_valid():
        try:
            done = import_bank_lines(
                actor=request.actor, csv_text=form.cleaned_data["file"], now=timezone.now()
            )
        except BadStatement as refusal:
            bad_lines = list(refusal.lines)
        else:
            messages.success(
                request,
                _(
                    "Imported: %(booked)s booked, %(suspense)s in suspense, %(unexplained)s unexplained, "
                    "%(known)s known before."
                )
                % asdict(done),
            )
            return redirect("payments:bank_lines")
    chosen = BankLineFilter(request.GET, queryset=BankLine.objects.select_related("organisation"))
    return render(
        request,
        "payments/bank_lines.html",
        {
            "form": form,
            "bad_lines": bad_lines,
            "filter": chosen,
            "suspense": suspense(),
            "has_lines": BankLine.objects.exists(),
            "page": Paginator(chosen.qs, LINES_A_PAGE).get_page(request.GET.get("page")),
        },
        status=422 if bad_lines else 200,
    )


@require_http_methods(["GET", "POST"])
@operator_required
def bank_line(request: PageRequest, bank_line_id: int) -> HttpResponse:
    line = get_object_or_404(
        BankLine.objects.select_related("organisation", "imported_by", "assigned_by"), pk=bank_line_id
    )
    form = AssignForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            line = assign_bank_line(
                actor=request.actor,
                bank_line_id=line.pk,
                organisation=form.cleaned_data["organisation"],
                now=timezone.now(),
            )
            messages.success(
                request,
                _("The money is available to %(organisation)s.")
                % {"organisation": local_name(form.cleaned_data["organisation"])},
            )
            return redirect("payments:bank_lines")
    proposed = line.manual_transfers.filter(status=Approval.PROPOSED).first()
    return render(request, "payments/bank_line.html", {"line": line, "form": form, "proposed": proposed})
