import datetime
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, QuerySet, Sum

from accounts.models import Member, Organisation, User
from accounts.permissions import ROLE_MAY, Permission
from settlement.ledger.models import Currency
from settlement.payments.models import (
    BankLine,
    Payout,
    PayoutAccount,
    PayoutSchedule,
    Reconciled,
    Reconciliation,
)

MOVERS = [role for role, permissions in ROLE_MAY.items() if Permission.MOVE_MONEY in permissions]


@dataclass(frozen=True)
class Suspense:
    """Money whose owner is not known: how many lines, and how many fen."""

    lines: int
    amount: int


def suspense() -> Suspense:
    waiting = BankLine.objects.filter(status=BankLine.Status.SUSPENSE)
    sums = waiting.aggregate(lines=Count("pk"), amount=Sum("amount"))
    return Suspense(lines=sums["lines"], amount=sums["amount"] or 0)


def usable_account(organisation: Organisation, now: datetime.datetime) -> PayoutAccount | None:
    """Where the organisation is paid to, once a new account's wait is over."""
    return PayoutAccount.objects.in_force().filter(organisation=organisation, usable_at__lte=now).first()


def who_may_move_money(organisation: Organisation) -> QuerySet[User]:
    return User.objects.filter(
        is_active=True, memberships__organisation=organisation, memberships__role__in=MOVERS
    )


def schedule_of(organisation: Organisation) -> PayoutSchedule.Frequency:
    chosen = PayoutSchedule.objects.filter(organisation=organisation).first()
    return PayoutSchedule.Frequency(chosen.frequency) if chosen else PayoutSchedule.Frequency.NONE


def amount_of(payouts: QuerySet[Payout]) -> int:
    return payouts.aggregate(sum=Sum("amount"))["sum"] or 0


def accounts_for_an_operator() -> QuerySet[PayoutAccount]:
    """The proposed accounts of organisations where nobody else may approve them."""
    second_person = Member.objects.filter(
        organisation=OuterRef("organisation"), role__in=MOVERS, user__is_active=True
    ).exclude(user=OuterRef("proposed_by"))
    alone = PayoutAccount.objects.proposed().filter(~Exists(second_person))
    rows: QuerySet[PayoutAccount] = alone.select_related("organisation", "proposed_by").order_by("pk")
    return rows


def last_proof(account: Reconciled, currency: Currency, day: datetime.date) -> Reconciliation | None:
    """What a run for `day` may go on from; None: it has to read everything.

    While the last run's differences stand, that is what the last run went on from: it has to find them again.
    A bank line that was imported since, for a day that was proved, takes its proof away.
    """
    runs = Reconciliation.objects.filter(account=account, currency=currency)
    last = runs.order_by("-pk").first()
    proof = last if last is None or last.is_proof else last.went_on_from
    if proof is None or proof.day > day:
        return None
    if account != Reconciled.BANK or not _late(proof.last_line, proof.day).exists():
        return proof
    late = _late(OuterRef("last_line"), OuterRef("day"))
    proofs = runs.filter(~Exists(late), is_proof=True, pk__lt=proof.pk, day__lte=day)
    return proofs.order_by("-pk").first()


def _late(last_line: int | OuterRef, day: datetime.date | OuterRef) -> QuerySet[BankLine]:
    return BankLine.objects.filter(pk__gt=last_line, booked_on__lte=day)


def last_reconciliations() -> QuerySet[Reconciliation]:
    """The last run of each account."""
    return (
        Reconciliation.objects.order_by("account", "currency", "-pk")
        .distinct("account", "currency")
        .select_related("ran_by", "went_on_from")
    )
