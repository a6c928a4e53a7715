from datetime import datetime

from django.db import transaction

from accounts.audit import Actor
from listings.models import LicencePlan
from marketplace.trading.models import Order
from marketplace.trading.operations.place_bid import place_bid
from marketplace.trading.operations.place_licence_order import place_licence_order
from marketplace.trading.terms import BidTerms


@transaction.atomic
def place_bundle(
    *,
    actor: Actor,
    terms: BidTerms,
    plan: LicencePlan,
    seats: int,
    seat_limit: int,
    least_seats: int | None = None,
    expires_at: datetime | None = None,
    bid_voucher_id: int | None = None,
    licence_voucher_id: int | None = None,
    now: datetime,
) -> tuple[Order, Order]:
    """Place a bid and a licence order that both fill, in one round, or neither; hold the most both can cost.

    Returns the bid and the licence order. They rest, are cleared, cancelled and expire together: when the
    first of them would alone. `seat_limit` is fen a seat. Raises what `place_bid` and `place_licence_order`
    raise, and then has placed neither.
    """
    bid = place_bid(actor=actor, terms=terms, expires_at=expires_at, voucher_id=bid_voucher_id, now=now)
    licence_order = place_licence_order(
        actor=actor,
        plan=plan,
        seats=seats,
        limit_price=seat_limit,
        minimum=least_seats,
        expires_at=expires_at,
        voucher_id=licence_voucher_id,
        now=now,
    )
    _tie(bid, licence_order)
    return bid, licence_order


def _tie(bid: Order, licence_order: Order) -> None:
    bid.bundled_with, licence_order.bundled_with = licence_order, bid
    bid.expires_at = licence_order.expires_at = min(bid.expires_at, licence_order.expires_at)
    Order.objects.bulk_update([bid, licence_order], ["bundled_with", "expires_at"])
