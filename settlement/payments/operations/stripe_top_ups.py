"""Top-ups by card: on Stripe's own page, or with a saved card."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.models import Organisation
from accounts.permissions import Permission, require
from settlement.ledger.models import Currency
from settlement.money import show_amount
from settlement.payments.errors import BadAmount
from settlement.payments.models import CardTopUp, SavedCard, StripeCall
from settlement.payments.models.stripe_messages import new_key
from settlement.payments.operations.stripe_calls import make_call, write_call
from settlement.payments.operations.stripe_customers import (
    customer_of,
    demand_answer,
    page_of,
    stripe_must_answer,
)
from settlement.payments.operations.stripe_payments import record_checkout, record_payment, sync_checkout
from settlement.payments.stripe_api import Object, Verb

MOST = 99_999_999  # Stripe charges no more than eight digits at once.


@dataclass(frozen=True)
class StartedTopUp:
    """A top-up, and the page of Stripe's where it is paid."""

    top_up: CardTopUp
    page: str


def start_card_top_up(
    *,
    actor: Actor,
    amount: int,
    currency: Currency,
    save_card: bool,
    return_url: Callable[[str], str],
    now: datetime.datetime,
) -> StartedTopUp:
    """Open a page of Stripe's on which `amount` fen are paid; it leads back to `return_url(key)`.

    Raises BadAmount, StripeSilent, StripeRefused.
    """
    organisation = require(actor, Permission.MOVE_MONEY)
    _refuse_unless_chargeable(amount, currency)
    customer_id = customer_of(organisation=organisation, now=now)
    top_up = _write_checkout(actor, organisation, amount, currency, customer_id, save_card, return_url, now)
    pages: list[str] = []

    def follow_up(call: StripeCall, made: Object | None, at: datetime.datetime) -> None:
        record_checkout(call, made, at)
        pages.append(page_of(made))

    demand_answer(make_call(call_id=top_up.call_id, follow_up=follow_up, now=now))
    top_up.refresh_from_db()
    return StartedTopUp(top_up, pages[0])


def charge_saved_card(
    *, actor: Actor, card_id: int, amount: int, currency: Currency, key: str, now: datetime.datetime
) -> CardTopUp:
    """Charge a saved card, once per key. The top-up says what came of it: pending if Stripe is silent.

    Raises BadAmount, StripeSilent, StripeRefused.
    """
    organisation = require(actor, Permission.MOVE_MONEY)
    _refuse_unless_chargeable(amount, currency)
    card = SavedCard.objects.get(pk=card_id, organisation=organisation, removed_at=None)
    customer_id = customer_of(organisation=organisation, now=now)
    top_up = _write_payment(actor, amount, currency, customer_id, card, key, now)
    make_call(call_id=top_up.call_id, follow_up=record_payment, now=now)  # The fee comes with its event.
    top_up.refresh_from_db()
    return top_up


def refresh_top_up(*, actor: Actor, key: str, now: datetime.datetime) -> CardTopUp:
    """Look at Stripe whether it is paid, without waiting for the news. Raises StripeSilent."""
    organisation = require(actor, Permission.SEE_MONEY)
    top_up = CardTopUp.objects.get(call__key=key, organisation=organisation)
    if top_up.session_id:
        with stripe_must_answer():
            sync_checkout(top_up.session_id, "", now)
    top_up.refresh_from_db()
    return top_up


def _refuse_unless_chargeable(amount: int, currency: Currency) -> None:
    if currency not in settings.STRIPE_CURRENCIES:
        raise BadAmount(_("Cards are charged in %(currencies)s.") % {"currencies": _currencies()})
    if not settings.CARD_TOP_UP_MINIMUM <= amount <= MOST:
        raise BadAmount(
            _("Choose an amount from %(least)s to %(most)s.")
            % {
                "least": show_amount(settings.CARD_TOP_UP_MINIMUM, currency),
                "most": show_amount(MOST, currency),
            }
        )


def _currencies() -> str:
    return ", ".join(str(Currency(code).label) for code in settings.STRIPE_CURRENCIES)


@transaction.atomic(durable=True)
def _write_checkout(
    actor: Actor,
    organisation: Organisation,
    amount: int,
    currency: Currency,
    customer_id: str,
    save_card: bool,
    return_url: Callable[[str], str],
    now: datetime.datetime,
) -> CardTopUp:
    key = new_key()
    address = return_url(key)
    name = _("Top-up of the balance at Suanpan")
    product = {"currency": currency.lower(), "unit_amount": amount, "product_data": {"name": name}}
    payment: dict[str, object] = {"metadata": {"call": key}}
    if save_card:
        payment["setup_future_usage"] = "off_session"
    call = write_call(
        verb=Verb.CHECKOUT,
        key=key,
        params={
            "mode": "payment",
            "customer": customer_id,
            "line_items": [{"quantity": 1, "price_data": product}],
            "payment_intent_data": payment,
            "success_url": address,
            "cancel_url": address,
        },
        now=now,
    )
    return _write_top_up(actor, organisation, amount, currency, None, call, now)


@transaction.atomic(durable=True)
def _write_payment(
    actor: Actor,
    amount: int,
    currency: Currency,
    customer_id: str,
    card: SavedCard,
    key: str,
    now: datetime.datetime,
) -> CardTopUp:
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=card.organisation_id)
    key = f"{organisation.pk}:{key}"
    first = CardTopUp.objects.filter(call__key=key).first()
    if first:
        return first
    call = write_call(
        verb=Verb.PAYMENT,
        key=key,
        params={
            "amount": amount,
            "currency": currency.lower(),
            "customer": customer_id,
            "payment_method": card.payment_method_id,
            "payment_method_types": ["card"],
            "off_session": True,
            "confirm": True,
        },
        now=now,
    )
    return _write_top_up(actor, organisation, amount, currency, card, call, now)


def _write_top_up(
    actor: Actor,
    organisation: Organisation,
    amount: int,
    currency: Currency,
    card: SavedCard | None,
    call: StripeCall,
    now: datetime.datetime,
) -> CardTopUp:
    top_up = CardTopUp.objects.create(
        organisation=organisation,
        asked_by=actor.user,
        amount=amount,
        currency=currency,
        card=card,
        call=call,
        created_at=now,
    )
    record(actor=actor, verb="create", subject=top_up, detail={"fen": amount, "currency": currency}, now=now)
    return top_up
