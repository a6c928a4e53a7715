"""How an organisation is paid out: it asks, chooses a schedule, and names its account with two persons."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest
from accounts.web import organisation_required, refused_on, tell_refusal
from settlement.ledger.queries import balance_of
from settlement.payments import stripe_api
from settlement.payments.forms.payouts import PayoutAccountForm, PayoutForm, ScheduleForm
from settlement.payments.models import PayoutAccount, PayoutSchedule, PayoutSource
from settlement.payments.operations import (
    approve_payout_account,
    ask_payout,
    choose_payout_schedule,
    propose_payout_account,
    refuse_payout_account,
)
from settlement.payments.queries import schedule_of, usable_account

PAYOUTS_A_PAGE = 50
DECIDE = {"approve": approve_payout_account, "refuse": refuse_payout_account}


@require_GET
@organisation_required(Permission.SEE_MONEY)
def payouts(request: MemberRequest) -> HttpResponse:
    return _page(request)


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def ask(request: MemberRequest) -> HttpResponse:
    form = PayoutForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            payout = ask_payout(
                actor=request.actor,
                amount=form.cleaned_data["amount"],
                taken_from=PayoutSource(form.cleaned_data["taken_from"]),
                key=f"page:{form.cleaned_data['key']}",
                now=timezone.now(),
            )
            messages.success(request, _("Payout %(serial)s is asked for.") % {"serial": payout.serial})
            return redirect("payments:payouts")
    return _page(request, form=form)


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def schedule(request: MemberRequest) -> HttpResponse:
    form = ScheduleForm(request.POST)
    if form.is_valid():
        choose_payout_schedule(
            actor=request.actor,
            frequency=PayoutSchedule.Frequency(form.cleaned_data["frequency"]),
            now=timezone.now(),
        )
        messages.success(request, _("The schedule is saved."))
        return redirect("payments:payouts")
    return _page(request, schedule_form=form)


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MOVE_MONEY)
def new_account(request: MemberRequest) -> HttpResponse:
    form = PayoutAccountForm(request.POST or None, initial={"holder": request.organisation.name_zh})
    if form.is_valid():
        with refused_on(form):
            propose_payout_account(actor=request.actor, details=form.details, now=timezone.now())
            messages.success(request, _("The account waits for a second person."))
            return redirect("payments:payouts")
    status = 422 if form.is_bound else 200
    context = {"form": form, "wait_hours": settings.PAYOUT_ACCOUNT_WAIT_HOURS}
    return render(request, "payments/new_payout_account.html", context, status=status)


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def decide_account(request: MemberRequest, account_id: int, verb: str) -> HttpResponse:
    account = get_object_or_404(PayoutAccount, pk=account_id, organisation=request.organisation)
    with tell_refusal(request):
        DECIDE[verb](actor=request.actor, account_id=account.pk, now=timezone.now())
        messages.success(request, _("Done."))
    return redirect("payments:payouts")


def _page(request: MemberRequest, **bound: Any) -> HttpResponse:
    organisation = request.organisation
    accounts = organisation.payout_accounts.select_related("proposed_by", "decided_by")
    frequency = schedule_of(organisation)
    listed = organisation.payouts.select_related("account")
    now = timezone.now()
    context = {
        "balances": balance_of(organisation),
        "account": accounts.in_force().first(),
        "proposed": accounts.proposed().first(),
        "former": accounts.exclude(pk__in=accounts.in_force()).exclude(pk__in=accounts.proposed()),
        "may_move": Permission.MOVE_MONEY in permissions_of(request.actor),
        "frequency": frequency,
        "now": now,
        "usable": usable_account(organisation, now),
        "form": PayoutForm(),
        "schedule_form": ScheduleForm(initial={"frequency": frequency.value}),
        "stripe_offered": stripe_api.is_configured() and request.organisation.provides,
        "page": Paginator(listed, PAYOUTS_A_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "payments/payouts.html", context | bound, status=422 if bound else 200)
