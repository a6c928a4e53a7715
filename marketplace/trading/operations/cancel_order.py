from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.permissions import Permission, require
from marketplace.trading.errors import CannotCancel
from marketplace.trading.models import Order
from settlement.ledger.operations import void_holds


@transaction.atomic
def cancel_order(*, actor: Actor, order_id: int, now: datetime) -> Order:
    """Cancel a resting order of the actor's organisation, with the other half of a bundle, and release what
    it held.

    Raises NotAllowed, Order.DoesNotExist (also for another organisation's order), or CannotCancel once the
    gate has closed on it or it has ended.
    """
    own = Order.objects.filter(organisation=require(actor, Permission.TRADE))
    bundle = own.in_bundles_of(own.filter(pk=order_id)).order_by("pk").select_for_update()
    orders = {order.pk: order for order in bundle}
    if order_id not in orders:
        raise Order.DoesNotExist
    if not orders[order_id].can_be_cancelled:
        raise CannotCancel(_why_not(orders[order_id]))
    own.filter(pk__in=orders).update(status=Order.Status.CANCELLED, ended_at=now)
    void_holds(hold_ids=[order.hold_id for order in orders.values() if order.hold_id is not None], now=now)
    for order in orders.values():
        order.status, order.ended_at = Order.Status.CANCELLED, now
        record(actor=actor, verb="cancel", subject=order, now=now)
    return orders[order_id]


def _why_not(order: Order) -> str:
    if order.status == Order.Status.CLEARING:
        return _("The gate has closed on this order. If it does not fill, it can be cancelled in a moment.")
    return _("This order has ended (%(status)s) and cannot be cancelled.") % {
        "status": order.get_status_display()
    }
