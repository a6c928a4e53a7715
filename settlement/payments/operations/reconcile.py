"""Hold the platform's accounts against what others say of them; what differs is a row until it is gone."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import User
from accounts.permissions import require_operator
from settlement.ledger.models import Account, AccountKind, Currency, Entry
from settlement.payments.errors import AlreadyDecided
from settlement.payments.models import BankLine, Difference, Payout, Reconciled, Reconciliation
from settlement.payments.operations.payout import PAYOUT
from settlement.payments.statement_days import Line, closing

Kind = Difference.Kind


@dataclass(frozen=True)
class Finding:
    """`amount` is the finding's share of (statement less ledger), in fen; of what ages, what waits."""

    kind: Difference.Kind
    what: str
    amount: int
    since: datetime.date


@dataclass(frozen=True)
class Compared:
    """What the platform has by its ledger, and by the other's word (None: it said nothing)."""

    ledger: int
    statement: int | None
    findings: Sequence[Finding]


def zone() -> ZoneInfo:
    return ZoneInfo(settings.EXCHANGE_ZONE)


def reconcile(
    *, day: datetime.date, now: datetime.datetime, ran_by: User | None = None
) -> list[Reconciliation]:
    """Reconcile each account as it stood at the end of `day`; may run as often as one likes."""
    return [_reconcile(account, compare, day, now, ran_by) for account, compare in COMPARE.items()]


def run_reconciliation(*, actor: Actor, now: datetime.datetime) -> list[Reconciliation]:
    """An operator asks for it, as of today."""
    operator = require_operator(actor)
    return reconcile(day=now.astimezone(zone()).date(), now=now, ran_by=operator)


@transaction.atomic
def resolve_difference(*, actor: Actor, difference_id: int, note: str, now: datetime.datetime) -> Difference:
    """An operator answers for a difference, in writing. Raises AlreadyDecided the second time."""
    operator = require_operator(actor)
    if not note.strip():
        raise InvalidInput(_("Write down what became of it."))
    resolved = Difference.objects.open().filter(pk=difference_id)
    if not resolved.update(resolved_by=operator, resolved_at=now, note=note.strip()):
        raise AlreadyDecided(_("This difference is resolved, or gone, already."))
    difference = Difference.objects.get(pk=difference_id)
    record(actor=actor, verb="resolve", subject=difference, detail={"note": note.strip()}, now=now)
    return difference


@transaction.atomic
def _reconcile(
    account: Reconciled,
    compare: Callable[[datetime.date], Compared],
    day: datetime.date,
    now: datetime.datetime,
    ran_by: User | None,
) -> Reconciliation:
    _hold_still(account)
    compared = compare(day)
    run = Reconciliation.objects.create(
        account=account,
        day=day,
        ledger=compared.ledger,
        statement=compared.statement,
        ran_by=ran_by,
        ran_at=now,
    )
    found = {(each.kind.value, each.what, each.amount): each for each in _with_the_rest(compared, day)}
    standing = {
        (each.kind, each.what, each.amount): each.pk
        for each in Difference.objects.standing().filter(account=account)
    }
    gone = [pk for key, pk in standing.items() if key not in found]
    Difference.objects.filter(pk__in=gone).update(gone_at=now)
    Difference.objects.bulk_create(
        Difference(
            account=account,
            kind=each.kind,
            what=each.what,
            amount=each.amount,
            since=each.since,
            found_by=run,
        )
        for key, each in found.items()
        if key not in standing
    )
    return run


def _hold_still(account: Reconciled) -> None:
    """Lock the account as `ledger_post` does: what moves its money commits before, or waits."""
    rows = Account.objects.filter(organisation=None, kind=account.value).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk", flat=True))


def _with_the_rest(compared: Compared, day: datetime.date) -> list[Finding]:
    """The findings, and what they leave unexplained of the difference between the balances."""
    if compared.statement is None:
        return list(compared.findings)
    told = sum(each.amount for each in compared.findings if each.kind != Kind.AGEING)
    rest = compared.statement - compared.ledger - told
    return [*compared.findings, *([Finding(Kind.BALANCE, "", rest, day)] if rest else [])]


def _bank(day: datetime.date) -> Compared:
    """A transfer counts on its bank line's day; one without a line on the day it was posted."""
    entries = (
        Entry.objects.filter(
            account__organisation=None, account__kind=AccountKind.BANK, account__currency=Currency.CNY
        )
        .annotate(
            day=Coalesce("transfer__bank_line__booked_on", TruncDate("transfer__posted_at", tzinfo=zone()))
        )
        .filter(day__lte=day)
    )
    lines = BankLine.objects.filter(booked_on__lte=day)
    statement, gaps = closing(
        Line(*row) for row in lines.order_by("pk").values_list("booked_on", "amount", "balance").iterator()
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
    return Compared(-_sum(entries), statement if lines.exists() else None, findings)


def _payouts(day: datetime.date) -> Compared:
    """Each payout, as things stand: on its way, the clearing account has its amount; resolved, nothing."""
    entries = Entry.objects.filter(account__organisation=None, account__kind=AccountKind.PAYOUTS)
    unresolved = {str(payout.pk): payout for payout in Payout.objects.unresolved()}
    cleared = {
        (row["transfer__source"], row["transfer__source_id"]): row["sum"]
        for row in entries.values("transfer__source", "transfer__source_id")
        .annotate(sum=Sum("amount"))
        .exclude(sum=0)
    }
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
    return Compared(_sum(entries), sum(payout.amount for payout in unresolved.values()), findings)


def _suspense(day: datetime.date) -> Compared:
    """As things stand: the lines in suspense, and how long each has waited for its owner."""
    entries = Entry.objects.filter(account__organisation=None, account__kind=AccountKind.SUSPENSE)
    waiting = BankLine.objects.filter(status=BankLine.Status.SUSPENSE)
    oldest = day - datetime.timedelta(days=settings.SUSPENSE_AGES_AFTER_DAYS)
    findings = [
        Finding(Kind.AGEING, line.serial, line.amount, line.booked_on)
        for line in waiting.filter(booked_on__lt=oldest)
    ]
    return Compared(_sum(entries), waiting.aggregate(sum=Sum("amount"))["sum"] or 0, findings)


def _sum(entries: QuerySet[Entry]) -> int:
    return entries.aggregate(sum=Sum("amount"))["sum"] or 0


COMPARE: dict[Reconciled, Callable[[datetime.date], Compared]] = {
    Reconciled.BANK: _bank,
    Reconciled.PAYOUTS: _payouts,
    Reconciled.SUSPENSE: _suspense,
}
