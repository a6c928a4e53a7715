"""What placing either kind of order needs: a buyer who may trade, and its money held."""

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.audit import Actor
from accounts.errors import NotAllowed
from accounts.models import Organisation
from accounts.permissions import Permission, require, require_verified
from marketplace.trading.models import Order
from settlement.contracts.queries import most_it_can_cost
from settlement.ledger.operations import place_hold
from settlement.payments.arrears import require_no_arrears


def buyer_of(actor: Actor, *, permission: Permission) -> Organisation:
    """The actor's organisation, if it may buy. Raises NotAllowed, NotVerified or InArrears."""
    require(actor, permission)
    assert actor.organisation is not None, "require() refuses an actor without an organisation"
    if not actor.organisation.buys:
        raise NotAllowed(_("Your organisation is registered as a provider only. Let it buy in its settings."))
    require_verified(actor.organisation)
    require_no_arrears(actor.organisation)
    return actor.organisation


def hold_for(order: Order, *, amount: int, now: datetime) -> None:
    """Hold what the order costs at most, fees included. Raises InsufficientFunds."""
    order.hold = place_hold(
        organisation=order.organisation,
        amount=most_it_can_cost(amount),
        source="order",
        source_id=str(order.pk),
        expires_at=None,  # The order's own expiry gives it back: never while a round clears the order.
        now=now,
    )
    order.save(update_fields=["hold"])
