"""What Stripe tells us: stored as it came, once, before anything else; then the object that it speaks of is
fetched anew. So an event's order, age and repetition change nothing."""

import datetime
import json
from collections.abc import Callable, Iterable, Mapping

from django.db import transaction
from django.db.models import F

from settlement.ledger.models import AccountKind, Currency
from settlement.payments import stripe_api
from settlement.payments.errors import BadMessage
from settlement.payments.models import StripeBalanceTransaction, StripeCall, StripeEvent
from settlement.payments.operations import (
    stripe_accounts,
    stripe_chargebacks,
    stripe_customers,
    stripe_payments,
    stripe_payouts,
    stripe_refunds,
)
from settlement.payments.operations.hold_still import hold_still
from settlement.payments.operations.stripe_calls import FollowUp, make_call, ring, wait_after
from settlement.payments.stripe_api import Kind, NoAnswer, Object, Refused, Verb

AN_EVENT_TAKES_AT_MOST = datetime.timedelta(minutes=5)
STRIPE_TRIES_FOR = datetime.timedelta(days=3)  # To deliver a webhook.
BALANCE_IS_REREAD = datetime.timedelta(days=3)

Sync = Callable[[str, str, datetime.datetime], object]
SYNC: Mapping[str, Sync] = {
    Kind.ACCOUNT: stripe_accounts.sync_account,
    Kind.CHARGE: stripe_payments.sync_charge,
    Kind.CHECKOUT_SESSION: stripe_payments.sync_checkout,
    Kind.DISPUTE: stripe_chargebacks.sync_chargeback,
    Kind.PAYMENT_INTENT: stripe_payments.sync_payment,
    Kind.PAYMENT_METHOD: stripe_customers.sync_card,
    Kind.PAYOUT: stripe_payouts.sync_payout,
    Kind.REFUND: stripe_refunds.sync_refund,
    Kind.SETUP_INTENT: stripe_customers.sync_setup,
    Kind.TRANSFER: stripe_payouts.sync_transfer,
}


def nothing_follows(call: StripeCall, made: Object | None, now: datetime.datetime) -> None:
    """Of a card that Stripe was asked to forget, all is recorded already."""


FOLLOW_UPS: Mapping[Verb, FollowUp] = {
    Verb.ACCOUNT: stripe_accounts.record_account,
    Verb.CHECKOUT: stripe_payments.record_checkout,
    Verb.CUSTOMER: stripe_customers.record_customer,
    Verb.DETACH: nothing_follows,
    Verb.PAYMENT: stripe_payments.record_payment,
    Verb.PAYOUT: stripe_payouts.record_payout,
    Verb.REFUND: stripe_refunds.record_refund,
    Verb.REVERSAL: stripe_payouts.record_reversal,
    Verb.TRANSFER: stripe_payouts.record_transfer,
}


def receive_event(*, body: bytes, signature: str, now: datetime.datetime) -> None:
    """Store a webhook's message once, and have it processed. Raises BadSignature, BadMessage."""
    stripe_api.verified(body, signature)
    _store([body.decode()], now)


def _store(bodies: Iterable[str], now: datetime.datetime) -> None:
    rows = [_row(body, now) for body in bodies]
    StripeEvent.objects.bulk_create(rows, ignore_conflicts=True)
    stored = StripeEvent.objects.filter(event_id__in=[row.event_id for row in rows], processed_at=None)
    for event_id in stored.order_by("pk").values_list("pk", flat=True):
        ring("process_stripe_event", event_id)


def _row(body: str, now: datetime.datetime) -> StripeEvent:
    try:
        message = json.loads(body)
        about = message["data"]["object"]
        return StripeEvent(
            event_id=message["id"],
            kind=message["type"],
            account=message.get("account") or "",
            object_kind=about["object"],
            object_id=about.get("id") or "",
            body=body,
            received_at=now,
            due_at=now,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadMessage("This is not an event of Stripe's.") from error


def process_event(*, event_id: int, now: datetime.datetime) -> bool:
    """Bring what the event speaks of to its state at Stripe now. Whether this was done; it may be repeated.

    Where Stripe gives no answer, or we fail, the event falls due again, later and later.
    """
    due = StripeEvent.objects.due(now).filter(pk=event_id)
    if not due.update(due_at=now + AN_EVENT_TAKES_AT_MOST, attempts=F("attempts") + 1):
        return False
    event = StripeEvent.objects.get(pk=event_id)
    claimed = StripeEvent.objects.filter(pk=event_id)
    try:
        _sync(event, now)
    except (NoAnswer, Refused) as error:
        claimed.update(last_error=str(error)[:500], due_at=now + wait_after(event.attempts))
        return False
    claimed.update(processed_at=now, last_error="")
    return True


def _sync(event: StripeEvent, now: datetime.datetime) -> None:
    if event.kind == "account.application.deauthorized":
        stripe_accounts.sync_account(event.account, event.account, now)
    elif event.object_kind in SYNC:
        SYNC[event.object_kind](event.object_id, event.account, now)


def process_due_events(*, now: datetime.datetime) -> int:
    ids = StripeEvent.objects.due(now).order_by("pk").values_list("pk", flat=True)
    return sum(process_event(event_id=pk, now=now) for pk in ids)


def make_stripe_call(*, call_id: int, now: datetime.datetime) -> StripeCall:
    verb = Verb(StripeCall.objects.values_list("verb", flat=True).get(pk=call_id))
    return make_call(call_id=call_id, follow_up=FOLLOW_UPS[verb], now=now)


def make_due_calls(*, now: datetime.datetime) -> None:
    for call_id in StripeCall.objects.due(now).order_by("pk").values_list("pk", flat=True):
        make_stripe_call(call_id=call_id, now=now)


def catch_up(*, now: datetime.datetime) -> None:
    """Once a day: store what moved on the balance at Stripe, and the events whose webhook never came."""
    _store_balance_transactions(now)
    events = stripe_api.events(since=now - STRIPE_TRIES_FOR)
    _store([json.dumps(event) for event in events], now)


def _store_balance_transactions(now: datetime.datetime) -> None:
    last = StripeBalanceTransaction.objects.order_by("-created_at").first()
    since = (
        last.created_at - BALANCE_IS_REREAD if last else datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
    )
    rows = [
        StripeBalanceTransaction(
            transaction_id=each["id"],
            kind=each["type"],
            source=each["source"] or "",
            currency=each["currency"].upper(),
            amount=each["amount"],
            fee=each["fee"],
            net=each["net"],
            created_at=_moment(each["created"]),
            available_on=_moment(each["available_on"]),
        )
        for each in stripe_api.balance_transactions(since)
    ]
    with transaction.atomic():
        for currency in Currency:
            hold_still(AccountKind.STRIPE, currency)
        StripeBalanceTransaction.objects.bulk_create(rows, ignore_conflicts=True)


def _moment(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
