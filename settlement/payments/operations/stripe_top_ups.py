"""Top-ups by card: on Stripe's own page, or with a saved card. What came in is booked from the payment as
Stripe has it, keyed by its id, whoever brings the news and however often."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.models import Organisation
from accounts.permissions import Permission, require
from settlement.ledger.models import AccountKind, Currency, TransferKind
from settlement.ledger.operations import Posting, open_accounts, platform_account, post_transfer
from settlement.money import show_amount
from settlement.payments import stripe_api
from settlement.payments.errors import BadAmount
from settlement.payments.models import CardTopUp, SavedCard, StripeCall
from settlement.payments.models.stripe_messages import new_key
from settlement.payments.operations.arrears import pay_arrears
from settlement.payments.operations.stripe_calls import make_call, write_call
from settlement.payments.operations.stripe_customers import (
    customer_of,
    demand_answer,
    page_of,
    stripe_must_answer,
)
from settlement.payments.operations.stripe_fees import book_fee
from settlement.payments.stripe_api import Kind, Object, Verb

STRIPE = "stripe"  # The `source` of transfers whose source_id is the id of an object at Stripe.
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
    require(actor, Permission.MOVE_MONEY)
    assert actor.organisation is not None, "require() refuses an actor without an organisation"
    _refuse_unless_chargeable(amount, currency)
    customer_id = customer_of(organisation=actor.organisation, now=now)
    top_up = _write_checkout(actor, amount, currency, customer_id, save_card, return_url, now)
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
    require(actor, Permission.MOVE_MONEY)
    assert actor.organisation is not None, "require() refuses an actor without an organisation"
    _refuse_unless_chargeable(amount, currency)
    card = SavedCard.objects.get(pk=card_id, organisation=actor.organisation, removed_at=None)
    customer_id = customer_of(organisation=actor.organisation, now=now)
    top_up = _write_payment(actor, amount, currency, customer_id, card, key, now)
    make_call(call_id=top_up.call_id, follow_up=record_payment, now=now)  # The fee comes with its event.
    top_up.refresh_from_db()
    return top_up


def refresh_top_up(*, actor: Actor, key: str, now: datetime.datetime) -> CardTopUp:
    """Look at Stripe whether it is paid, without waiting for the news. Raises StripeSilent."""
    require(actor, Permission.SEE_MONEY)
    top_up = CardTopUp.objects.get(call__key=key, organisation=actor.organisation)
    if top_up.session_id:
        with stripe_must_answer():
            sync_checkout(top_up.session_id, "", now)
    top_up.refresh_from_db()
    return top_up


def record_checkout(call: StripeCall, made: Object | None, now: datetime.datetime) -> None:
    if made is not None:
        CardTopUp.objects.filter(call=call).update(session_id=made["id"])
    else:
        _fail(call)


def record_payment(call: StripeCall, made: Object | None, now: datetime.datetime) -> None:
    if made is not None:
        apply_payment(made, now)
    else:
        _fail(call)


def sync_checkout(session_id: str, account: str, now: datetime.datetime) -> None:
    """Bring the top-up, or the card saved, to what the page at Stripe says now."""
    session = stripe_api.fetch(Kind.CHECKOUT_SESSION, session_id, account=account)
    if session["payment_intent"]:
        sync_payment(session["payment_intent"], account, now)
    if session["status"] == "expired":
        CardTopUp.objects.filter(session_id=session_id, status=CardTopUp.Status.PENDING).update(
            status=CardTopUp.Status.EXPIRED
        )


def sync_charge(charge_id: str, account: str, now: datetime.datetime) -> None:
    charge = stripe_api.fetch(Kind.CHARGE, charge_id, account=account)
    if charge["payment_intent"]:
        sync_payment(charge["payment_intent"], account, now)


def sync_payment(payment_intent_id: str, account: str, now: datetime.datetime) -> CardTopUp | None:
    """Bring the top-up to what Stripe says of its payment now; None if the payment is none of ours."""
    payment = stripe_api.fetch(Kind.PAYMENT_INTENT, payment_intent_id, account=account)
    top_up = apply_payment(payment, now)
    charge = payment["latest_charge"]
    if top_up and charge:
        book_fee(charge["balance_transaction"], now)
    return top_up


@transaction.atomic
def apply_payment(payment: Object, now: datetime.datetime) -> CardTopUp | None:
    key = stripe_api.key_of(payment)
    top_up = CardTopUp.objects.select_for_update(no_key=True, of=("self",)).filter(call__key=key).first()
    if top_up is None:
        return None
    if payment["status"] == "succeeded":
        _book(top_up, payment, now)
    elif top_up.status == CardTopUp.Status.PENDING:
        _note_failure(top_up, payment)
    return top_up


def _book(top_up: CardTopUp, payment: Object, now: datetime.datetime) -> None:
    currency = Currency(payment["currency"].upper())
    amount = payment["amount_received"]
    stripe = platform_account(kind=AccountKind.STRIPE, currency=currency).shard_for(payment["id"])
    available = open_accounts(organisation=top_up.organisation, currency=currency)[AccountKind.AVAILABLE]
    post_transfer(
        kind=TransferKind.TOP_UP,
        source=STRIPE,
        source_id=payment["id"],
        postings=[Posting(stripe, -amount), Posting(available, amount)],
        memo=payment["id"],
        now=now,
    )
    pay_arrears(organisation_ids=[top_up.organisation_id], currency=currency, now=now)
    if top_up.status == CardTopUp.Status.PAID:
        return
    top_up.status = CardTopUp.Status.PAID
    top_up.payment_intent_id = payment["id"]
    top_up.charge_id = _id_of(payment["latest_charge"])
    top_up.received = amount
    top_up.paid_at = now
    top_up.failure = ""
    top_up.save()


def _id_of(reference: str | Object) -> str:
    """Stripe writes an object's id, or the object where it was asked to expand it."""
    return reference if isinstance(reference, str) else str(reference["id"])


def _note_failure(top_up: CardTopUp, payment: Object) -> None:
    """A saved card that was declined is the end; on Stripe's page its owner may try another card."""
    error = payment["last_payment_error"] or {}
    ended = payment["status"] == "canceled" or (
        payment["status"] == "requires_payment_method" and top_up.card_id is not None
    )
    top_up.payment_intent_id = payment["id"]
    top_up.failure = (error.get("message") or "")[:500]
    if ended:
        top_up.status = CardTopUp.Status.FAILED
    top_up.save(update_fields=["payment_intent_id", "failure", "status"])


def _fail(call: StripeCall) -> None:
    CardTopUp.objects.filter(call=call, status=CardTopUp.Status.PENDING).update(
        status=CardTopUp.Status.FAILED, failure=call.refusal
    )


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
    return _write_top_up(actor, amount, currency, None, call, now)


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
    return _write_top_up(actor, amount, currency, card, call, now)


def _write_top_up(
    actor: Actor,
    amount: int,
    currency: Currency,
    card: SavedCard | None,
    call: StripeCall,
    now: datetime.datetime,
) -> CardTopUp:
    assert actor.organisation is not None, "the caller has required a permission in it"
    top_up = CardTopUp.objects.create(
        organisation=actor.organisation,
        asked_by=actor.user,
        amount=amount,
        currency=currency,
        card=card,
        call=call,
        created_at=now,
    )
    record(actor=actor, verb="create", subject=top_up, detail={"fen": amount, "currency": currency}, now=now)
    return top_up
