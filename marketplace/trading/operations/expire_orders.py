from datetime import datetime

from django.db import transaction

from marketplace.trading.horizon import first_slot
from marketplace.trading.models import Order
from settlement.ledger.operations import void_holds


@transaction.atomic
def expire_orders(*, now: datetime) -> int:
    """End the resting orders whose time is over, or whose window leaves no start, and release their holds.

    Both halves of a bundle end with the first. Returns the orders' number. Orders being cleared wait for
    their round.
    """
    overdue = Order.objects.resting().overdue(now=now, first_slot=first_slot(now))
    ending = Order.objects.resting().in_bundles_of(overdue)
    orders = list(ending.order_by("pk").select_for_update().values_list("pk", "hold_id"))
    Order.objects.filter(pk__in=[pk for pk, _ in orders]).update(status=Order.Status.EXPIRED, ended_at=now)
    void_holds(hold_ids=[hold for _, hold in orders if hold is not None], now=now)
    return len(orders)
