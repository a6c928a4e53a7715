"""The ledger's account STRIPE against Stripe's balance transactions: each of these has its transfer here."""

import datetime
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q, QuerySet, Sum

from settlement.ledger.models import AccountKind, Currency, TransferKind
from settlement.payments.compare import (
    NOTHING_PROVED,
    PAYOUT,
    Compared,
    Finding,
    Kind,
    Opening,
    entries_since,
    zone,
)
from settlement.payments.models import CardRefund, CardTopUp, StripeBalanceTransaction, StripePayout

STRIPE, CARD_REFUND, STRIPE_FEE = "stripe", "card_refund", "stripe_fee"  # The `source` of each transfer.
ONE_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Key:
    """What the ledger calls a movement; for one that it does not know, Stripe's id alone."""

    source: str
    source_id: str
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.source} {self.source_id}".strip()


@dataclass(frozen=True)
class Movement:
    """In fen, positive is to us."""

    amount: int
    day: datetime.date
    entries: Sequence[int] = ()


class Names:
    """From Stripe's objects, those that the rows are about, to the ledger's transfers."""

    def __init__(self, rows: QuerySet[StripeBalanceTransaction]) -> None:
        sources = rows.order_by().values("source")
        payments = CardTopUp.objects.filter(charge_id__in=sources)
        self.payment_of = dict(payments.values_list("charge_id", "payment_intent_id"))
        self.refund_of = dict(CardRefund.objects.filter(refund_id__in=sources).values_list("refund_id", "pk"))
        payouts = StripePayout.objects.filter(transfer_id__in=sources)
        self.payout_of = dict(payouts.values_list("transfer_id", "pk"))
        reversed_ = StripePayout.objects.filter(reversal_call__object_id__in=sources)
        self.reversed_by = dict(reversed_.values_list("reversal_call__object_id", "pk"))

    def key_of(self, row: StripeBalanceTransaction) -> Key:
        source, taken = row.source, row.amount < 0
        if payment := self.payment_of.get(source):
            return Key(STRIPE, payment, TransferKind.TOP_UP)
        if refund := self.refund_of.get(source):
            kind = TransferKind.REFUND if taken else TransferKind.REFUND_FAILED
            return Key(CARD_REFUND, str(refund), kind)
        if source.startswith("dp_"):
            return Key(STRIPE, source, TransferKind.CHARGEBACK if taken else TransferKind.CHARGEBACK_WON)
        if payout := self.payout_of.get(source):
            return Key(PAYOUT, str(payout), TransferKind.PAYOUT_PAID)
        if payout := self.reversed_by.get(source):
            return Key(PAYOUT, str(payout), TransferKind.PAYOUT_FAILED)
        return Key("", f"{row.kind} {source or row.transaction_id}")


def compare_stripe(day: datetime.date, currency: Currency, opening: Opening) -> Compared:
    """A transfer counts on the day of its balance transaction; one without, on the day it was posted."""
    told = _told(currency, opening)
    booked = _booked(currency, opening)
    _pair_by_hand(told, booked)
    here = {key: told[key].day if key in told else move.day for key, move in booked.items()}
    carried = [pk for key, move in booked.items() if here[key] > day for pk in move.entries]
    booked = {key: move for key, move in booked.items() if here[key] <= day}
    told = {key: move for key, move in told.items() if move.day <= day}
    findings = []
    for key in sorted({*told, *booked}, key=lambda key: (key.source, key.source_id, key.kind)):
        there, ours = told.get(key), booked.get(key)
        differs = (there.amount if there else 0) - (ours.amount if ours else 0)
        if differs:
            kind = Kind.AMOUNTS if there and ours else Kind.LINE_ALONE if there else Kind.TRANSFER_ALONE
            since = there.day if there else here[key]
            findings.append(Finding(kind, str(key)[:200], differs, since))
    ledger = opening.settled + sum(move.amount for move in booked.values())
    statement = opening.settled + sum(move.amount for move in told.values())
    return Compared(
        ledger=ledger,
        statement=statement if told or opening != NOTHING_PROVED else None,
        findings=findings,
        settled=ledger,
        carried=carried,
    )


def _told(currency: Currency, opening: Opening) -> dict[Key, Movement]:
    """What Stripe says: a movement's gross amount under its own key, its fee under another."""
    proved_until = datetime.datetime.combine(opening.day + ONE_DAY, datetime.time.min, zone())
    unread = Q(pk__gt=opening.last_line) | Q(created_at__gte=proved_until)
    rows = StripeBalanceTransaction.objects.filter(unread, currency=currency)
    names = Names(rows)
    told: dict[Key, Movement] = {}
    for row in rows.order_by("created_at", "pk"):
        day = row.created_at.astimezone(zone()).date()
        fee = Key(STRIPE_FEE, row.transaction_id, TransferKind.PROCESSING_COST)
        for key, amount in ((names.key_of(row), row.amount), (fee, -row.fee)):
            if amount:
                before = told.get(key)
                told[key] = Movement(amount + (before.amount if before else 0), before.day if before else day)
    return told


def _booked(currency: Currency, opening: Opening) -> dict[Key, Movement]:
    rows = (
        entries_since(opening, AccountKind.STRIPE, currency)
        .values_list("transfer__source", "transfer__source_id", "transfer__kind", "transfer__posted_at")
        .annotate(sum=Sum("amount"), entries=ArrayAgg("pk"))
        .exclude(sum=0)
    )
    return {
        Key(source, source_id, kind): Movement(-amount, posted_at.astimezone(zone()).date(), entries)
        for source, source_id, kind, posted_at, amount, entries in rows
    }


def _pair_by_hand(told: dict[Key, Movement], booked: dict[Key, Movement]) -> None:
    """A movement of which the ledger knows nothing is explained by a manual transfer of the same amount: what
    Stripe paid out to our bank, or charged us. The earliest take one another."""
    by_hand: dict[int, list[Key]] = defaultdict(list)
    for key, move in sorted(booked.items(), key=lambda item: item[1].day):
        if key.kind == TransferKind.MANUAL:
            by_hand[move.amount].append(key)
    for key in list(_unknown(told)):
        if waiting := by_hand[told[key].amount]:
            told[waiting.pop(0)] = told.pop(key)


def _unknown(told: dict[Key, Movement]) -> Iterator[Key]:
    yield from (key for key in sorted(told, key=lambda key: told[key].day) if not key.source)
