"""The operators' part in payouts: files that two of them stand for, the bank's results, and accounts."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.audit import Actor
from accounts.requests import PageRequest
from accounts.web import operator_required, refused_on, tell_refusal
from settlement.payments.errors import BadStatement, PayoutRefused
from settlement.payments.forms.payouts import ReasonForm, ResultsForm
from settlement.payments.models import Payout, PayoutFile
from settlement.payments.operations import (
    approve_payout_account,
    approve_payout_file,
    collect_payouts,
    download_payout_file,
    import_payout_results,
    refuse_payout,
    refuse_payout_account,
    refuse_payout_file,
)
from settlement.payments.queries import accounts_for_an_operator, amount_of

FILES_A_PAGE = 50
DECIDE = {"approve": approve_payout_account, "refuse": refuse_payout_account}


@require_http_methods(["GET", "POST"])
@operator_required
def payouts(request: PageRequest) -> HttpResponse:
    """A POST is the bank's results."""
    form = ResultsForm(request.POST or None, request.FILES or None)
    bad_lines = []
    if form.is_valid():
        try:
            done = import_payout_results(
                actor=request.actor, csv_text=form.cleaned_data["file"], now=timezone.now()
            )
        except BadStatement as refusal:
            bad_lines = list(refusal.lines)
        else:
            messages.success(
                request,
                _("Imported: %(paid)s paid, %(failed)s failed, %(known)s known before.")
                % {"paid": done.paid, "failed": done.failed, "known": done.known},
            )
            return redirect("payments:operator_payouts")
    waiting = Payout.objects.to_collect().select_related("organisation", "account").order_by("pk")
    sent = Payout.objects.filter(status=Payout.Status.SENT)
    context = {
        "form": form,
        "bad_lines": bad_lines,
        "waiting": waiting,
        "waiting_fen": amount_of(waiting),
        "sent_count": sent.count(),
        "sent_fen": amount_of(sent),
        "accounts": accounts_for_an_operator(),
        "page": Paginator(
            PayoutFile.objects.select_related("proposed_by", "decided_by"), FILES_A_PAGE
        ).get_page(request.GET.get("page")),
    }
    return render(request, "payments/operator_payouts.html", context, status=422 if form.is_bound else 200)


@require_POST
@operator_required
def collect(request: PageRequest) -> HttpResponse:
    chosen = [int(pk) for pk in request.POST.getlist("payout") if pk.isdecimal()]
    with tell_refusal(request):
        file = collect_payouts(actor=request.actor, payout_ids=chosen, now=timezone.now())
        return redirect("payments:payout_file", file.pk)
    return redirect("payments:operator_payouts")


@require_http_methods(["GET", "POST"])
@operator_required
def payout(request: PageRequest, payout_id: int) -> HttpResponse:
    """A POST gives a waiting payout back."""
    shown = get_object_or_404(
        Payout.objects.select_related("organisation", "account", "file", "asked_by"), pk=payout_id
    )
    form = ReasonForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            refuse_payout(
                actor=request.actor,
                payout_id=shown.pk,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
            messages.success(request, _("The money is back on the organisation's balance."))
            return redirect("payments:payout", shown.pk)
    status = 422 if form.is_bound else 200
    return render(request, "payments/payout.html", {"payout": shown, "form": form}, status=status)


@require_http_methods(["GET"])
@operator_required
def payout_file(request: PageRequest, file_id: int) -> HttpResponse:
    file = get_object_or_404(PayoutFile.objects.select_related("proposed_by", "decided_by"), pk=file_id)
    rows = file.payouts.select_related("organisation", "account").order_by("pk")
    return render(request, "payments/payout_file.html", {"file": file, "payouts": rows})


@require_POST
@operator_required
def decide_file(request: PageRequest, file_id: int, verb: str) -> HttpResponse:
    file = get_object_or_404(PayoutFile, pk=file_id)
    with tell_refusal(request):
        if verb == "approve":
            sha256 = request.POST.get("sha256", "")
            approve_payout_file(actor=request.actor, file_id=file.pk, sha256=sha256, now=timezone.now())
            messages.success(request, _("Approved: download the file and give it to the bank."))
        else:
            refuse_payout_file(actor=request.actor, file_id=file.pk, now=timezone.now())
            messages.success(request, _("Refused: its payouts wait for another file."))
    return redirect("payments:payout_file", file.pk)


@require_POST
@operator_required
def download(request: PageRequest, file_id: int) -> HttpResponse:
    """A POST, for each download is written down."""
    get_object_or_404(PayoutFile, pk=file_id)
    try:
        file = download_payout_file(actor=request.actor, file_id=file_id, now=timezone.now())
    except PayoutRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("payments:payout_file", file_id)
    response = HttpResponse(file.content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file.name}.csv"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_POST
@operator_required
def decide_account(request: PageRequest, account_id: int, verb: str) -> HttpResponse:
    account = get_object_or_404(accounts_for_an_operator(), pk=account_id)
    for_the_exchange = Actor(user=request.actor.user)
    with tell_refusal(request):
        DECIDE[verb](actor=for_the_exchange, account_id=account.pk, now=timezone.now())
        messages.success(request, _("Done."))
    return redirect("payments:operator_payouts")
