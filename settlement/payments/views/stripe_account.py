"""A provider's account at Stripe, and its payouts there."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest
from accounts.web import organisation_required, refused_on, tell_refusal
from settlement.ledger.queries import balance_of
from settlement.payments.forms.payouts import ScheduleForm
from settlement.payments.forms.stripe import CountryForm, StripePayoutForm
from settlement.payments.models import PayoutSchedule, Rail, StripeAccount, StripePayout
from settlement.payments.operations import (
    ask_stripe_payout,
    choose_payout_schedule,
    onboarding_page,
    refresh_account,
)
from settlement.payments.queries import schedule_of
from settlement.payments.views.stripe import ROWS_A_PAGE, require_stripe


@require_GET
@organisation_required(Permission.SEE_MONEY)
def stripe_account(request: MemberRequest) -> HttpResponse:
    require_stripe()
    return _account_page(request)


@require_POST
@organisation_required(Permission.MANAGE_ORGANISATION)
def onboard(request: MemberRequest) -> HttpResponseBase:
    require_stripe()
    form = CountryForm(request.POST)
    if form.is_valid():
        back = reverse("payments:back_from_onboarding")
        with refused_on(form):
            page = onboarding_page(
                actor=request.actor,
                country=form.cleaned_data["country"],
                return_url=request.build_absolute_uri(back),
                refresh_url=request.build_absolute_uri(back),
                now=timezone.now(),
            )
            return redirect(page)
    return _account_page(request, country_form=form)


@require_GET
@organisation_required(Permission.SEE_MONEY)
def back_from_onboarding(request: MemberRequest) -> HttpResponse:
    require_stripe()
    get_object_or_404(StripeAccount, organisation=request.organisation)
    with tell_refusal(request):
        refresh_account(actor=request.actor, now=timezone.now())
    return redirect("payments:stripe_account")


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def ask_payout(request: MemberRequest) -> HttpResponse:
    require_stripe()
    form = StripePayoutForm(request.POST, receivable=0)
    if form.is_valid():
        with refused_on(form):
            payout = ask_stripe_payout(
                actor=request.actor,
                amount=form.cleaned_data["amount"],
                key=f"stripe-page:{form.cleaned_data['key']}",
                now=timezone.now(),
            )
            messages.success(request, _("Payout %(serial)s is asked for.") % {"serial": payout.serial})
            return redirect("payments:stripe_account")
    return _account_page(request, payout_form=form)


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def schedule(request: MemberRequest) -> HttpResponse:
    require_stripe()
    form = ScheduleForm(request.POST)
    if form.is_valid():
        choose_payout_schedule(
            actor=request.actor,
            frequency=PayoutSchedule.Frequency(form.cleaned_data["frequency"]),
            rail=Rail.STRIPE,
            now=timezone.now(),
        )
        messages.success(request, _("The schedule is saved."))
        return redirect("payments:stripe_account")
    return _account_page(request, schedule_form=form)


def _account_page(request: MemberRequest, **bound: Any) -> HttpResponse:
    permissions = permissions_of(request.actor)
    balances = balance_of(request.organisation)
    ways = StripePayout.objects.filter(account__organisation=request.organisation)
    context = {
        "account": StripeAccount.objects.filter(organisation=request.organisation).first(),
        "balances": balances,
        "may_move": Permission.MOVE_MONEY in permissions,
        "may_manage": Permission.MANAGE_ORGANISATION in permissions,
        "country_form": CountryForm(),
        "payout_form": StripePayoutForm(receivable=balances.receivable),
        "schedule_form": ScheduleForm(initial={"frequency": schedule_of(request.organisation)}),
        "page": Paginator(ways.select_related("payout").order_by("-pk"), ROWS_A_PAGE).get_page(
            request.GET.get("page")
        ),
    }
    return render(request, "payments/stripe_account.html", context | bound, status=422 if bound else 200)
