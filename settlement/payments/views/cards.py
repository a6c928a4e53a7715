"""Cards on the balance page: top-ups, saved cards and refunds."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest
from accounts.web import organisation_required, refused_on, tell_refusal
from settlement.ledger.models import Currency
from settlement.ledger.queries import balance_of
from settlement.money import show_amount
from settlement.payments import stripe_api
from settlement.payments.declines import in_own_words
from settlement.payments.forms.stripe import CardTopUpForm, RefundForm
from settlement.payments.models import CardTopUp, SavedCard
from settlement.payments.operations import (
    add_card_page,
    ask_refund,
    charge_saved_card,
    refresh_top_up,
    remove_card,
    start_card_top_up,
)
from settlement.payments.views.stripe import ROWS_A_PAGE, require_stripe


@require_GET
@organisation_required(Permission.SEE_MONEY)
def cards(request: MemberRequest) -> HttpResponse:
    require_stripe()
    return _cards_page(request)


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def top_up(request: MemberRequest) -> HttpResponseBase:
    require_stripe()
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
        amount=form.cleaned_data["amount"],
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
        amount=form.cleaned_data["amount"],
        currency=Currency(form.cleaned_data["currency"]),
        key=form.cleaned_data["key"],
        now=timezone.now(),
    )


@require_GET
@organisation_required(Permission.SEE_MONEY)
def back_from_card_page(request: MemberRequest, key: str) -> HttpResponse:
    require_stripe()
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
            % (amount | {"reason": in_own_words(top_up.failure)}),
        )


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def add_card(request: MemberRequest) -> HttpResponseBase:
    require_stripe()
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
    require_stripe()
    paid = get_object_or_404(CardTopUp, pk=top_up_id, organisation=request.organisation)
    form = RefundForm(request.POST or None, top_up=paid)
    if form.is_valid():
        with refused_on(form):
            ask_refund(
                actor=request.actor,
                top_up_id=paid.pk,
                amount=form.cleaned_data["amount"],
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
