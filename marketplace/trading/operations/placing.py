"""What placing either kind of order needs: a buyer who may trade, and its money held."""

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.audit import Actor
from accounts.errors import NotAllowed
from accounts.models import Organisation
from accounts.permissions import Permission, require, require_verified
from marketplace.trading.models import Order
from settlement.contracts.queries import most_it_can_cost, require_accepted
from settlement.ledger.operations import place_hold
from settlement.payments.arrears import require_no_arrears
from settlement.vouchers.operations import Claim, hold_with_voucher

ORDER = "order"  # The `source` of an order's hold; its source_id is the order's id.


def buyer_of(actor: Actor, *, permission: Permission, now: datetime) -> Organisation:
    """The actor's organisation, if it may buy. Raises NotAllowed, NotVerified, InArrears or NotAccepted."""
    buyer = require(actor, permission)
    if not buyer.buys:
        raise NotAllowed(_("Your organisation is registered as a provider only. Let it buy in its settings."))
    require_verified(buyer)
    require_no_arrears(buyer)
    require_accepted(buyer, now=now)
    return buyer


def hold_for(order: Order, *, amount: int, now: datetime, claim: Claim | None = None) -> None:
    """Hold what the order costs at most, fees included, a voucher's claim of it from its programme.

    Raises InsufficientFunds.
    """
    most, source_id = most_it_can_cost(amount), str(order.pk)
    if claim is None:
        order.hold = place_hold(
            organisation=order.organisation,
            amount=most,
            source=ORDER,
            source_id=source_id,
            expires_at=None,  # The order's own expiry gives it back: never while a round clears the order.
            now=now,
        )
    else:
        order.hold = hold_with_voucher(
            claim=claim,
            organisation=order.organisation,
            amount=most,
            source=ORDER,
            source_id=source_id,
            now=now,
        )
    order.save(update_fields=["hold"])
