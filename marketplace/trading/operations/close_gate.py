from datetime import datetime

from django.conf import settings
from django.db import transaction

from listings.operations import freeze_capacities
from listings.slots import SLOT
from marketplace.trading.documents import Document
from marketplace.trading.horizon import first_slot
from marketplace.trading.models import Order, Round, RoundOrder
from marketplace.trading.operations.expire_orders import expire_orders
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.queries.book import BookDraft, draft_book
from settlement.contracts.queries import bound_organisations
from settlement.payments.arrears import organisations_in_arrears


@transaction.atomic
def close_gate(*, round_id: int, now: datetime) -> Round | None:
    """Close the round to orders, freeze its book, and open the next round.

    From here on its orders cannot be cancelled and its capacity cannot be changed until it is settled or has
    failed. Returns None where the round was closed before, or an earlier round is unfinished.
    """
    closing = Round.objects.select_for_update().filter(pk=round_id, status=Round.Status.OPEN).first()
    if closing is None or Round.objects.unfinished().exists():
        return None
    expire_orders(now=now)
    closing.horizon_start = first_slot(max(now, closing.gate_at))
    closing.slots = settings.HORIZON_SLOTS
    freeze_capacities(first_slot=closing.horizon_start, slots=closing.slots)
    bound = set(bound_organisations(now))
    may_buy = bound - organisations_in_arrears()
    orders = _whole_bundles(
        [order for order in _orders_at_the_gate(closing) if order.organisation_id in may_buy]
    )
    draft = draft_book(orders, first_slot=closing.horizon_start, slots=closing.slots, bound=bound)
    document = Document.of(draft.content)
    closing.pool_ids = [pool.pk for pool in draft.pools]
    closing.plan_ids = [plan.pk for plan in draft.plans]
    closing.capacity_ids = [ask.source_id for ask in draft.asks if ask.pool_row < len(draft.pools)]
    closing.book, closing.book_sha256 = document.gzipped, document.sha256
    closing.order_count = len(orders)
    closing.status, closing.closed_at = Round.Status.CLOSED, now
    closing.save()
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(status=Order.Status.CLEARING)
    RoundOrder.objects.bulk_create(_parts(closing, draft), batch_size=2000)
    open_round(now=now)
    return closing


def _orders_at_the_gate(closing: Round) -> list[Order]:
    """All resting orders of verified organisations that the horizon reaches, in the order placed; locked."""
    assert closing.horizon_start is not None
    horizon_end = closing.horizon_start + closing.slots * SLOT
    resting = Order.objects.resting().of_verified().reached_by(horizon_end)
    locked = resting.order_by("pk").select_for_update(of=("self",)).select_related("plan__algorithm")
    return sorted(locked, key=lambda order: (order.placed_at, order.pk))


def _whole_bundles(orders: list[Order]) -> list[Order]:
    """Without the halves whose other half waits: for a later round its window, say."""
    present = {order.pk for order in orders}
    return [order for order in orders if order.bundled_with_id is None or order.bundled_with_id in present]


def _parts(closing: Round, draft: BookDraft) -> list[RoundOrder]:
    in_book = [RoundOrder(round=closing, order=bid.order, row=row) for row, bid in enumerate(draft.bids)]
    without = [
        RoundOrder(round=closing, order=each.order, pool=each.pool, units_available=each.units)
        for each in draft.without_capacity
    ]
    posted = [RoundOrder(round=closing, order=each.order, price=each.price) for each in draft.at_posted_price]
    halves = [
        RoundOrder(round=closing, order=order, outcome=RoundOrder.Outcome.OTHER_HALF)
        for order in draft.without_other_half
    ]
    return in_book + without + posted + halves
