"""What each of the platform's accounts has by the ledger, and by what others say of it."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate

from settlement.ledger.models import AccountKind, Currency, Entry
from settlement.payments.models import BankLine, Difference, Payout
from settlement.payments.statement_days import Line, closing

PAYOUT = "payout"  # The `source` of payouts' transfers.
Kind = Difference.Kind


@dataclass(frozen=True)
class Finding:
    """`amount` is the finding's share of (statement less ledger), in fen; of what ages, what waits."""

    kind: Difference.Kind
    what: str
    amount: int
    since: datetime.date


@dataclass(frozen=True)
class Opening:
    """What was proved before: entries up to `last_entry`, but those `carried`, come to `settled` fen, as the
    platform has it, and agree with the lines up to `last_line` and `day`. None of these are read again."""

    settled: int
    carried: Sequence[int]
    last_entry: int
    last_line: int
    day: datetime.date


NOTHING_PROVED = Opening(settled=0, carried=(), last_entry=0, last_line=0, day=datetime.date(1970, 1, 1))


@dataclass(frozen=True)
class Compared:
    """What the platform has by its ledger, and by the other's word (None: it said nothing).

    `carried` are the entries that the next comparison has to read again, were all of this one to agree.
    """

    ledger: int
    statement: int | None
    findings: Sequence[Finding]
    settled: int
    carried: Sequence[int] = ()


def zone() -> ZoneInfo:
    return ZoneInfo(settings.EXCHANGE_ZONE)


def entries_of(kind: AccountKind, currency: Currency) -> QuerySet[Entry]:
    """Of the platform's account of this kind, all its shards."""
    return Entry.objects.filter(account__organisation=None, account__kind=kind, account__currency=currency)


def entries_since(opening: Opening, kind: AccountKind, currency: Currency) -> QuerySet[Entry]:
    unread = Q(pk__gt=opening.last_entry) | Q(pk__in=opening.carried)
    return entries_of(kind, currency).filter(unread)


def compare_bank(day: datetime.date, currency: Currency, opening: Opening) -> Compared:
    """A transfer counts on its bank line's day; one without a line on the day it was posted."""
    known = entries_since(opening, AccountKind.BANK, currency).annotate(
        day=Coalesce("transfer__bank_line__booked_on", TruncDate("transfer__posted_at", tzinfo=zone()))
    )
    entries = known.filter(day__lte=day)
    unread = Q(pk__gt=opening.last_line) | Q(booked_on__gt=opening.day)
    lines = BankLine.objects.filter(unread, booked_on__lte=day)
    proved = opening != NOTHING_PROVED
    statement, gaps = closing(
        (Line(*row) for row in lines.order_by("pk").values_list("booked_on", "amount", "balance").iterator()),
        reached=opening.settled if proved else None,
    )
    findings = [Finding(Kind.GAP, str(gap.day), gap.amount, gap.day) for gap in gaps]
    findings += [
        Finding(Kind.LINE_ALONE, line.serial, line.amount, line.booked_on)
        for line in lines.filter(transfer=None)
    ]
    alone = entries.filter(transfer__bank_line=None).values("transfer", "transfer__memo", "day")
    findings += [
        Finding(
            Kind.TRANSFER_ALONE,
            f"#{row['transfer']} {row['transfer__memo']}".strip()[:200],
            row["sum"],
            row["day"],
        )
        for row in alone.annotate(sum=Sum("amount")).exclude(sum=0)
    ]
    findings += [
        Finding(Kind.AMOUNTS, row["transfer__bank_line__serial"], row["differs"], row["day"])
        for row in entries.exclude(transfer__bank_line=None)
        .values("transfer__bank_line__serial", "day")
        .annotate(differs=Sum("amount") + F("transfer__bank_line__amount"))
        .exclude(differs=0)
    ]
    ledger = opening.settled - sum_of(entries)
    return Compared(
        ledger=ledger,
        statement=statement if proved or lines.exists() else None,
        findings=findings,
        settled=ledger,
        carried=list(known.filter(day__gt=day).values_list("pk", flat=True)),
    )


def compare_payouts(day: datetime.date, currency: Currency, opening: Opening) -> Compared:
    """Each payout, as things stand: on its way, the clearing account has its amount; resolved, nothing."""
    entries = entries_since(opening, AccountKind.PAYOUTS, currency)
    unresolved = {str(payout.pk): payout for payout in Payout.objects.unresolved().filter(currency=currency)}
    not_zero = list(
        entries.values_list("transfer__source", "transfer__source_id")
        .annotate(sum=Sum("amount"), entries=ArrayAgg("pk"))
        .exclude(sum=0)
    )
    cleared = {(source, source_id): fen for source, source_id, fen, _entries in not_zero}
    findings = []
    for source, number in sorted({*cleared, *((PAYOUT, number) for number in unresolved)}):
        payout = unresolved.get(number) if source == PAYOUT else None
        differs = (payout.amount if payout else 0) - cleared.get((source, number), 0)
        if differs:
            findings.append(Finding(Kind.NOT_ZERO, f"{source} {number}", differs, day))
    oldest = day - datetime.timedelta(days=settings.PAYOUT_AGES_AFTER_DAYS)
    for payout in unresolved.values():
        asked = payout.asked_at.astimezone(zone()).date()
        if asked < oldest:
            findings.append(Finding(Kind.AGEING, payout.serial, payout.amount, asked))
    return Compared(
        ledger=opening.settled + sum(cleared.values()),
        statement=sum(payout.amount for payout in unresolved.values()),
        findings=findings,
        settled=opening.settled,
        carried=[pk for *_key, _fen, entries_of_one in not_zero for pk in entries_of_one],
    )


def compare_suspense(day: datetime.date, currency: Currency, opening: Opening) -> Compared:
    """As things stand: the lines in suspense, and how long each has waited for its owner."""
    ledger = opening.settled + sum_of(entries_since(opening, AccountKind.SUSPENSE, currency))
    waiting = BankLine.objects.filter(status=BankLine.Status.SUSPENSE)
    oldest = day - datetime.timedelta(days=settings.SUSPENSE_AGES_AFTER_DAYS)
    findings = [
        Finding(Kind.AGEING, line.serial, line.amount, line.booked_on)
        for line in waiting.filter(booked_on__lt=oldest)
    ]
    return Compared(ledger, waiting.aggregate(sum=Sum("amount"))["sum"] or 0, findings, settled=ledger)


def sum_of(entries: QuerySet[Entry]) -> int:
    return entries.aggregate(sum=Sum("amount"))["sum"] or 0
