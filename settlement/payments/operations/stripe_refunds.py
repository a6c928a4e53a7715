"""Refunds to the card: the money leaves the balance when it is asked for, and comes back if Stripe fails."""

import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.permissions import Permission, require
from settlement.ledger.models import AccountKind, Currency, TransferKind
from settlement.ledger.operations import Posting, open_accounts, platform_account, post_transfer
from settlement.money import show_amount
from settlement.payments import stripe_api
from settlement.payments.errors import BadAmount, NotRefundable
from settlement.payments.models import CardRefund, CardTopUp, StripeCall
from settlement.payments.operations.arrears import pay_arrears, take_or_owe
from settlement.payments.operations.stripe_calls import ring, write_call
from settlement.payments.operations.stripe_fees import book_fee
from settlement.payments.operations.stripe_payments import sync_payment
from settlement.payments.stripe_api import Kind, Object, Verb

CARD_REFUND = "card_refund"  # The `source` of its transfers; their source_id is the row's.
FAILED_AT_STRIPE = ("failed", "canceled")


@transaction.atomic
def ask_refund(*, actor: Actor, top_up_id: int, amount: int, key: str, now: datetime.datetime) -> CardRefund:
    """Give `amount` fen of a top-up back to the card it came from, once per key.

    Raises BadAmount, NotRefundable, and InsufficientFunds where the money is spent or held.
    """
    organisation = require(actor, Permission.MOVE_MONEY)
    top_up = CardTopUp.objects.select_for_update(no_key=True).get(pk=top_up_id, organisation=organisation)
    key = f"{top_up.organisation_id}:{key}"
    first = CardRefund.objects.filter(call__key=key).first()
    if first:
        return first
    _refuse_unless_refundable(top_up, amount)
    call = write_call(
        verb=Verb.REFUND,
        key=key,
        params={"payment_intent": top_up.payment_intent_id, "amount": amount},
        now=now,
    )
    refund = CardRefund.objects.create(
        top_up=top_up, amount=amount, asked_by=actor.user, call=call, created_at=now
    )
    CardTopUp.objects.filter(pk=top_up.pk).update(refunded=F("refunded") + amount)
    stripe, available = _accounts(refund)
    post_transfer(
        kind=TransferKind.REFUND,
        source=CARD_REFUND,
        source_id=str(refund.pk),
        postings=[Posting(available, -amount), Posting(stripe, amount)],
        memo=top_up.payment_intent_id or "",
        now=now,
    )
    ring("make_stripe_call", call.pk)
    record(actor=actor, verb="refund", subject=top_up, detail={"fen": amount}, now=now)
    return refund


def record_refund(call: StripeCall, made: Object | None, now: datetime.datetime) -> None:
    refund = _locked(CardRefund.objects.get(call=call).pk)
    if made is not None:
        _apply(refund, made, now)
    else:
        _put_back(refund, call.refusal, now)


def sync_refund(refund_id: str, account: str, now: datetime.datetime) -> None:
    """Bring a refund to what Stripe says of it now, its payment first."""
    made = stripe_api.fetch(Kind.REFUND, refund_id, account=account)
    top_up = sync_payment(made["payment_intent"], account, now) if made["payment_intent"] else None
    if top_up is None:
        return
    with transaction.atomic():
        _apply(_row_of(made, top_up.pk, now), made, now)
    book_fee(made["balance_transaction"], now)


def _row_of(made: Object, top_up_id: int, now: datetime.datetime) -> CardRefund:
    """Our row for Stripe's refund, locked. One made on Stripe's own pages gets row and booking here."""
    CardTopUp.objects.select_for_update(no_key=True).get(pk=top_up_id)
    ours = CardRefund.objects.filter(refund_id=made["id"]).first()
    ours = ours or CardRefund.objects.filter(call__key=stripe_api.key_of(made)).first()
    return _locked(ours.pk) if ours else _made_at_stripe(made, top_up_id, now)


def _made_at_stripe(made: Object, top_up_id: int, now: datetime.datetime) -> CardRefund:
    amount = made["amount"]
    refund = CardRefund.objects.create(
        top_up_id=top_up_id, amount=amount, refund_id=made["id"], created_at=now
    )
    CardTopUp.objects.filter(pk=top_up_id).update(refunded=F("refunded") + amount)
    stripe, _available = _accounts(refund)
    take_or_owe(
        organisation_id=refund.top_up.organisation_id,
        currency=Currency(refund.top_up.currency),
        amount=amount,
        to_account=stripe,
        kind=TransferKind.REFUND,
        source=CARD_REFUND,
        source_id=str(refund.pk),
        memo=refund.top_up.payment_intent_id or "",
        now=now,
    )
    return refund


def _apply(refund: CardRefund, made: Object, now: datetime.datetime) -> None:
    if refund.status == CardRefund.Status.FAILED:
        return
    if made["status"] in FAILED_AT_STRIPE:
        _put_back(refund, made.get("failure_reason") or made["status"], now)
    elif made["status"] == "succeeded":
        refund.status = CardRefund.Status.SUCCEEDED
    refund.refund_id = made["id"]
    refund.save(update_fields=["status", "refund_id"])


def _put_back(refund: CardRefund, reason: str, now: datetime.datetime) -> None:
    stripe, available = _accounts(refund)
    post_transfer(
        kind=TransferKind.REFUND_FAILED,
        source=CARD_REFUND,
        source_id=str(refund.pk),
        postings=[Posting(stripe, -refund.amount), Posting(available, refund.amount)],
        memo=refund.top_up.payment_intent_id or "",
        now=now,
    )
    top_up = refund.top_up
    pay_arrears(organisation_ids=[top_up.organisation_id], currency=Currency(top_up.currency), now=now)
    CardTopUp.objects.filter(pk=top_up.pk).update(refunded=F("refunded") - refund.amount)
    refund.status = CardRefund.Status.FAILED
    refund.failure = reason[:500]
    refund.save(update_fields=["status", "failure"])


def _refuse_unless_refundable(top_up: CardTopUp, amount: int) -> None:
    if top_up.status != CardTopUp.Status.PAID:
        raise NotRefundable(_("Only a top-up that was paid can be refunded."))
    if top_up.is_contested:
        raise NotRefundable(_("The card's holder contests this payment: its money is at the bank already."))
    if not 0 < amount <= top_up.refundable:
        raise BadAmount(
            _("At most %(amount)s of this top-up can go back.")
            % {"amount": show_amount(top_up.refundable, top_up.currency)}
        )


def _locked(refund_id: int) -> CardRefund:
    """The top-up's row is locked before its refunds', by everyone."""
    top_up_id = CardRefund.objects.values_list("top_up_id", flat=True).get(pk=refund_id)
    top_up = CardTopUp.objects.select_for_update(no_key=True).get(pk=top_up_id)
    refund = CardRefund.objects.select_for_update(no_key=True).get(pk=refund_id)
    refund.top_up = top_up
    return refund


def _accounts(refund: CardRefund) -> tuple[int, int]:
    """STRIPE and the organisation's AVAILABLE, in the currency of the top-up."""
    currency = Currency(refund.top_up.currency)
    stripe = platform_account(kind=AccountKind.STRIPE, currency=currency).shard_for(str(refund.pk))
    available = open_accounts(organisation=refund.top_up.organisation, currency=currency)
    return stripe, available[AccountKind.AVAILABLE]
