"""The operators' books: money moved by hand, and what does not agree."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PageRequest
from accounts.web import operator_required, refused_on, tell_refusal
from settlement.ledger.models import AccountKind
from settlement.payments.forms.payouts import ManualTransferForm, NoteForm
from settlement.payments.models import BankLine, Difference, ManualTransfer
from settlement.payments.operations import (
    approve_manual_transfer,
    propose_manual_transfer,
    refuse_manual_transfer,
    resolve_difference,
    run_reconciliation,
)
from settlement.payments.queries import last_reconciliations

ROWS_A_PAGE = 50
DECIDE = {"approve": approve_manual_transfer, "refuse": refuse_manual_transfer}


@require_GET
@operator_required
def manual_transfers(request: PageRequest) -> HttpResponse:
    page = Paginator(_manual_transfers(), ROWS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "payments/manual_transfers.html", {"page": page})


@require_http_methods(["GET", "POST"])
@operator_required
def new_manual_transfer(request: PageRequest) -> HttpResponse:
    """`?line=7` begins from a bank line, which it disposes of."""
    chosen = request.GET.get("line", "")
    line = get_object_or_404(BankLine, pk=int(chosen)) if chosen.isdecimal() else None
    form = ManualTransferForm(request.POST or None, initial=_initial(line))
    if form.is_valid():
        with refused_on(form):
            manual = propose_manual_transfer(
                actor=request.actor,
                debit=form.place("debit"),
                credit=form.place("credit"),
                amount=form.cleaned_data["amount"],
                reason=form.cleaned_data["reason"],
                bank_line=line,
                now=timezone.now(),
            )
            messages.success(request, _("Proposed; nothing has moved yet."))
            return redirect("payments:manual_transfer", manual.pk)
    status = 422 if form.is_bound else 200
    return render(request, "payments/new_manual_transfer.html", {"form": form, "line": line}, status=status)


@require_GET
@operator_required
def manual_transfer(request: PageRequest, manual_id: int) -> HttpResponse:
    manual = get_object_or_404(_manual_transfers(), pk=manual_id)
    return render(request, "payments/manual_transfer.html", {"manual": manual})


@require_POST
@operator_required
def decide_manual_transfer(request: PageRequest, manual_id: int, verb: str) -> HttpResponse:
    get_object_or_404(ManualTransfer, pk=manual_id)
    with tell_refusal(request):
        DECIDE[verb](actor=request.actor, manual_id=manual_id, now=timezone.now())
        messages.success(request, _("Done."))
    return redirect("payments:manual_transfer", manual_id)


@require_GET
@operator_required
def reconciliation(request: PageRequest) -> HttpResponse:
    differences = Difference.objects.select_related("resolved_by", "found_by")
    answered = differences.exclude(pk__in=Difference.objects.open()).order_by("-pk")
    context = {
        "runs": last_reconciliations(),
        "open": differences.open(),
        "today": timezone.localdate(),
        "note_form": NoteForm(),
        "page": Paginator(answered, ROWS_A_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "payments/reconciliation.html", context)


@require_POST
@operator_required
def run(request: PageRequest) -> HttpResponse:
    run_reconciliation(actor=request.actor, now=timezone.now())
    messages.success(request, _("Reconciled, as of today."))
    return redirect("payments:reconciliation")


@require_POST
@operator_required
def resolve(request: PageRequest, difference_id: int) -> HttpResponse:
    get_object_or_404(Difference, pk=difference_id)
    with tell_refusal(request):
        resolve_difference(
            actor=request.actor,
            difference_id=difference_id,
            note=request.POST.get("note", ""),
            now=timezone.now(),
        )
        messages.success(request, _("Resolved."))
    return redirect("payments:reconciliation")


def _manual_transfers() -> Any:
    return ManualTransfer.objects.select_related(
        "debit__organisation", "credit__organisation", "bank_line", "proposed_by", "decided_by"
    )


def _initial(line: BankLine | None) -> dict[str, object]:
    if line is None:
        return {}
    incoming = line.amount > 0
    return {
        "debit_kind": AccountKind.SUSPENSE if incoming else AccountKind.PROCESSING,
        "credit_kind": AccountKind.BANK,
        "amount": abs(line.amount),
    }
