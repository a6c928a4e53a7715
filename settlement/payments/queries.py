from dataclasses import dataclass

from django.db.models import Count, Sum

from settlement.payments.models import BankLine


@dataclass(frozen=True)
class Suspense:
    """Money whose owner is not known: how many lines, and how many fen."""

    lines: int
    amount: int


def suspense() -> Suspense:
    waiting = BankLine.objects.filter(status=BankLine.Status.SUSPENSE)
    sums = waiting.aggregate(lines=Count("pk"), amount=Sum("amount"))
    return Suspense(lines=sums["lines"], amount=sums["amount"] or 0)
