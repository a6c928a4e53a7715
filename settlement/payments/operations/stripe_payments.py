"""What came in by card is booked from the payment as Stripe has it, keyed by its id, whoever brings the news
and however often."""

import datetime

from django.db import transaction

from settlement.ledger.models import AccountKind, Currency, TransferKind
from settlement.ledger.operations import Posting, open_accounts, platform_account, post_transfer
from settlement.payments import stripe_api
from settlement.payments.models import CardTopUp, StripeCall
from settlement.payments.operations.arrears import pay_arrears
from settlement.payments.operations.stripe_fees import book_fee
from settlement.payments.stripe_api import Kind, Object

STRIPE = "stripe"  # The `source` of transfers whose source_id is the id of an object at Stripe.


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
