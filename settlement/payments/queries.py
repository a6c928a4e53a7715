import datetime
from dataclasses import dataclass

from django.db.models import Count, QuerySet, Sum

from accounts.models import Organisation, User
from accounts.permissions import ROLE_MAY, Permission
from settlement.payments.models import BankLine, PayoutAccount


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
    roles = [role for role, permissions in ROLE_MAY.items() if Permission.MOVE_MONEY in permissions]
    return User.objects.filter(
        is_active=True, memberships__organisation=organisation, memberships__role__in=roles
    )
