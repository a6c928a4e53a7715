from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.permissions import Permission, require
from marketplace.trading.errors import CannotCancel
from marketplace.trading.models import Order
from settlement.ledger.operations import void_hold


@transaction.atomic
def cancel_order(*, actor: Actor, order_id: int, now: datetime) -> Order:
    """Cancel a resting order of the actor's organisation and release what it held.

    Raises NotAllowed, Order.DoesNotExist (also for another organisation's order), or CannotCancel once the
    gate has closed on it or it has ended.
    """
    require(actor, Permission.TRADE)
    own = Order.objects.filter(organisation=actor.organisation)
    cancelled = own.filter(pk=order_id).resting().update(status=Order.Status.CANCELLED, ended_at=now)
    order: Order = own.get(pk=order_id)
    if not cancelled:
        raise CannotCancel(_why_not(order))
    assert order.hold_id is not None
    void_hold(hold_id=order.hold_id, now=now)
    record(actor=actor, verb="cancel", subject=order, now=now)
    return order


def _why_not(order: Order) -> str:
    if order.status == Order.Status.CLEARING:
        return _("The gate has closed on this order. If it does not fill, it can be cancelled in a moment.")
    return _("This order has ended (%(status)s) and cannot be cancelled.") % {
        "status": order.get_status_display()
    }
