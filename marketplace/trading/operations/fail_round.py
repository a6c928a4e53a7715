from datetime import datetime

from django.db import transaction

from listings.operations import thaw_capacities
from marketplace.trading.models import Order, Round, RoundOrder
from marketplace.trading.operations.claim import check_fence


@transaction.atomic
def fail_round(*, round_id: int, fence: int, status: Round.Status, error: str, now: datetime) -> Round:
    """Give a closed or cleared round up: nothing of it is published, and its orders rest as before the gate.

    The operator sees `error`. Raises Fenced.
    """
    failed = check_fence(round_id=round_id, fence=fence, status=status)
    failed.status, failed.error, failed.settled_at = Round.Status.FAILED, error, None
    failed.save()
    parts = RoundOrder.objects.filter(round=failed)
    Order.objects.filter(pk__in=parts.values("order"), status=Order.Status.CLEARING).update(
        status=Order.Status.RESTING
    )
    parts.delete()
    thaw_capacities()
    return failed
