"""Cards on the balance page, the provider's account at Stripe, and the door for Stripe's messages."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest, PageRequest
from accounts.web import operator_required, organisation_required, refused_on, tell_refusal
from settlement.ledger.models import Currency
from settlement.ledger.queries import balance_of
from settlement.money import show_amount
from settlement.payments import stripe_api
from settlement.payments.errors import BadMessage
from settlement.payments.models import (
    CardTopUp,
    Chargeback,
    PayoutSchedule,
    Rail,
    SavedCard,
    StripeAccount,
    StripeCall,
    StripeEvent,
    StripePayout,
)
from settlement.payments.operations import (
    add_card_page,
    ask_refund,
    ask_stripe_payout,
    charge_saved_card,
    choose_payout_schedule,
    onboarding_page,
    receive_event,
    refresh_account,
    refresh_top_up,
    remove_card,
    start_card_top_up,
)
from settlement.payments.payout_forms import ScheduleForm
from settlement.payments.queries import schedule_of
from settlement.payments.stripe_api import BadSignature
from settlement.payments.stripe_forms import (
    CardTopUpForm,
    CountryForm,
    RefundForm,
    StripePayoutForm,
)

LARGEST_MESSAGE = 2**20
ROWS_A_PAGE = 20


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Signed by Stripe, or refused. Once it is stored Stripe may forget it: what follows is ours to do."""
    if not stripe_api.is_configured():
        return HttpResponse(status=404)
    if int(request.headers.get("Content-Length") or 0) > LARGEST_MESSAGE:
        return HttpResponse(status=413)
    try:
        receive_event(
            body=request.body, signature=request.headers.get("Stripe-Signature", ""), now=timezone.now()
        )
    except (BadSignature, BadMessage) as refusal:
        return HttpResponse(str(refusal), status=400, content_type="text/plain")
    return HttpResponse(status=200)


# Cards


@require_GET
@organisation_required(Permission.SEE_MONEY)
def cards(request: MemberRequest) -> HttpResponse:
    _offered()
    return _cards_page(request)


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def top_up(request: MemberRequest) -> HttpResponseBase:
    _offered()
    form = CardTopUpForm(request.POST, cards=_saved_cards(request))
    if form.is_valid():
        with refused_on(form):
            if form.saved_card is None:
                return redirect(_start(request, form))
            _tell(request, _charge(request, form, form.saved_card))
            return redirect("payments:cards")
    return _cards_page(request, form=form)


def _start(request: MemberRequest, form: CardTopUpForm) -> str:
    def back(key: str) -> str:
        return request.build_absolute_uri(reverse("payments:back_from_card_page", args=[key]))

    started = start_card_top_up(
        actor=request.actor,
        amount=form.fen,
        currency=Currency(form.cleaned_data["currency"]),
        save_card=form.cleaned_data["save_card"],
        return_url=back,
        now=timezone.now(),
    )
    return started.page


def _charge(request: MemberRequest, form: CardTopUpForm, card_id: int) -> CardTopUp:
    return charge_saved_card(
        actor=request.actor,
        card_id=card_id,
        amount=form.fen,
        currency=Currency(form.cleaned_data["currency"]),
        key=form.cleaned_data["key"],
        now=timezone.now(),
    )


@require_GET
@organisation_required(Permission.SEE_MONEY)
def back_from_card_page(request: MemberRequest, key: str) -> HttpResponse:
    _offered()
    get_object_or_404(CardTopUp, call__key=key, organisation=request.organisation)
    with tell_refusal(request):
        _tell(request, refresh_top_up(actor=request.actor, key=key, now=timezone.now()))
    return redirect("payments:cards")


def _tell(request: MemberRequest, top_up: CardTopUp) -> None:
    amount = {"amount": show_amount(top_up.amount, top_up.currency)}
    if top_up.status == CardTopUp.Status.PAID:
        messages.success(request, _("%(amount)s is on your balance.") % amount)
    elif top_up.status == CardTopUp.Status.PENDING:
        messages.info(request, _("%(amount)s is not paid yet: it shows here as soon as it is.") % amount)
    else:
        messages.error(
            request,
            _("%(amount)s was not paid. %(reason)s Try another card, or pay on Stripe's page.")
            % (amount | {"reason": top_up.failure}),
        )


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def add_card(request: MemberRequest) -> HttpResponseBase:
    _offered()
    with tell_refusal(request):
        back = request.build_absolute_uri(reverse("payments:cards"))
        return redirect(add_card_page(actor=request.actor, return_url=back, now=timezone.now()))
    return redirect("payments:cards")


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def forget_card(request: MemberRequest, card_id: int) -> HttpResponse:
    card = get_object_or_404(SavedCard, pk=card_id, organisation=request.organisation)
    remove_card(actor=request.actor, card_id=card.pk, now=timezone.now())
    messages.success(request, _("%(card)s is removed.") % {"card": card})
    return redirect("payments:cards")


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MOVE_MONEY)
def refund(request: MemberRequest, top_up_id: int) -> HttpResponse:
    _offered()
    paid = get_object_or_404(CardTopUp, pk=top_up_id, organisation=request.organisation)
    form = RefundForm(request.POST or None, top_up=paid)
    if form.is_valid():
        with refused_on(form):
            ask_refund(
                actor=request.actor,
                top_up_id=paid.pk,
                amount=form.fen,
                key=form.cleaned_data["key"],
                now=timezone.now(),
            )
            messages.success(request, _("The money is on its way to the card: the bank takes some days."))
            return redirect("payments:cards")
    context = {
        "top_up": paid,
        "form": form,
        "balances": balance_of(request.organisation, Currency(paid.currency)),
    }
    return render(request, "payments/refund.html", context, status=422 if form.is_bound else 200)


def _saved_cards(request: MemberRequest) -> list[SavedCard]:
    return list(SavedCard.objects.filter(organisation=request.organisation, removed_at=None))


def _cards_page(request: MemberRequest, form: CardTopUpForm | None = None) -> HttpResponse:
    saved = _saved_cards(request)
    rows = CardTopUp.objects.filter(organisation=request.organisation)
    shown = rows.select_related("card").prefetch_related("refunds", "chargebacks")
    return render(
        request,
        "payments/cards.html",
        {
            "form": form or CardTopUpForm(cards=saved),
            "cards": saved,
            "may_move": Permission.MOVE_MONEY in permissions_of(request.actor),
            "page": Paginator(shown, ROWS_A_PAGE).get_page(request.GET.get("page")),
        },
        status=422 if form else 200,
    )


def card_top_up_form(request: MemberRequest) -> CardTopUpForm | None:
    """For the balance page: None where cards are not offered, or not to this member."""
    if not stripe_api.is_configured() or Permission.MOVE_MONEY not in permissions_of(request.actor):
        return None
    return CardTopUpForm(cards=_saved_cards(request))


# The provider's account


@require_GET
@organisation_required(Permission.SEE_MONEY)
def stripe_account(request: MemberRequest) -> HttpResponse:
    _offered()
    return _account_page(request)


@require_POST
@organisation_required(Permission.MANAGE_ORGANISATION)
def onboard(request: MemberRequest) -> HttpResponseBase:
    _offered()
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
    _offered()
    get_object_or_404(StripeAccount, organisation=request.organisation)
    with tell_refusal(request):
        refresh_account(actor=request.actor, now=timezone.now())
    return redirect("payments:stripe_account")


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def ask_payout_through_stripe(request: MemberRequest) -> HttpResponse:
    _offered()
    form = StripePayoutForm(request.POST, receivable=0)
    if form.is_valid():
        with refused_on(form):
            payout = ask_stripe_payout(
                actor=request.actor,
                amount=form.fen,
                key=f"stripe-page:{form.cleaned_data['key']}",
                now=timezone.now(),
            )
            messages.success(request, _("Payout %(serial)s is asked for.") % {"serial": payout.serial})
            return redirect("payments:stripe_account")
    return _account_page(request, payout_form=form)


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def stripe_schedule(request: MemberRequest) -> HttpResponse:
    _offered()
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


# The operator


@require_GET
@operator_required
def operator_stripe(request: PageRequest) -> HttpResponse:
    """What Stripe and we have not finished with each other, and what cards' holders contest."""
    calls = StripeCall.objects.filter(status=StripeCall.Status.WAITING, attempts__gt=0)
    events = StripeEvent.objects.filter(processed_at=None, attempts__gt=0)
    chargebacks = Chargeback.objects.select_related("top_up__organisation")
    context = {
        "configured": stripe_api.is_configured(),
        "calls": calls.order_by("created_at")[:ROWS_A_PAGE],
        "events": events.order_by("received_at")[:ROWS_A_PAGE],
        "page": Paginator(chargebacks, ROWS_A_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "payments/operator_stripe.html", context)


def _offered() -> None:
    if not stripe_api.is_configured():
        raise Http404
