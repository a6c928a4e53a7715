"""Write a round's book: rows from the database become the engine's columns, in one fixed order."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from listings.models import Algorithm, LicencePlan, Pool
from listings.queries import open_hours
from listings.slots import SLOT
from marketplace.trading.eligibility import Option, options_of
from marketplace.trading.models import Order, OrderLimit
from marketplace.trading.starts import Room
from settlement.vouchers.queries import barred_sellers


@dataclass(frozen=True)
class Ask:
    """A run of slots in which one capacity, or one plan of limited supply, has the same number left."""

    pool_row: int
    first: int
    last: int
    quantity: int
    price: int
    listed_at: datetime
    source_id: int


@dataclass(frozen=True)
class Bid:
    """An order that can fill somewhere: its options, and the slots [earliest, latest) it may use."""

    order: Order
    options: list[Option]
    earliest: int
    latest: int


@dataclass(frozen=True)
class NoCapacity:
    """An order that fills nowhere: at best `units`, fewer than its minimum, are on offer in `pool`."""

    order: Order
    pool: Pool | None
    units: int


@dataclass(frozen=True)
class Posted:
    """An order for seats of a plan of unlimited supply, and what one costs; None where it is not on sale."""

    order: Order
    price: int | None

    @property
    def fills(self) -> bool:
        return self.price is not None and self.price <= self.order.limit_price


@dataclass
class BookDraft:
    """The book's columns, and what its rows stand for."""

    pools: list[Pool] = field(default_factory=list)
    plans: list[LicencePlan] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    bids: list[Bid] = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=dict)
    # Orders of the round that are not in the book: nothing on offer can hold them, supply is unlimited, or
    # the other half of their bundle cannot fill.
    without_capacity: list[NoCapacity] = field(default_factory=list)
    at_posted_price: list[Posted] = field(default_factory=list)
    without_other_half: list[Order] = field(default_factory=list)


def draft_book(
    orders: Sequence[Order], *, first_slot: datetime, slots: int, bound: Collection[int]
) -> BookDraft:
    """The book of these resting orders and all frozen capacity over the horizon.

    Only providers among the `bound` sell: they accepted the master agreement, which no contract may lack.

    `orders` come in the order they were placed, with `plan` loaded. Bids whose window the horizon does not
    reach must have been left out.
    """
    draft = BookDraft()
    _add_capacity(draft, first_slot, slots, bound)
    _add_plans(draft, orders, bound)
    _add_bids(draft, orders, first_slot, slots, bound)
    _keep_bundles_whole(draft)
    draft.content = _content(draft, slots)
    return draft


def _add_capacity(draft: BookDraft, first_slot: datetime, slots: int, bound: Collection[int]) -> None:
    hours = open_hours(first_slot=first_slot, slots=slots).filter(
        capacity__frozen=True, capacity__pool__facility__provider__in=bound
    )
    names = ("capacity_id", "capacity__pool_id", "slot", "units", "sold")
    rows = list(hours.values_list(*names, "capacity__reserve_price", "capacity__created_at"))
    pools = Pool.objects.filter(pk__in={row[1] for row in rows}).select_related("facility", "accelerator")
    draft.pools = list(pools.order_by("pk"))
    row_of = {pool.pk: row for row, pool in enumerate(draft.pools)}
    for capacity, pool, slot, units, sold, reserve, listed_at in rows:
        left = units - sold
        number = int((slot - first_slot) / SLOT)
        last = draft.asks[-1] if draft.asks else None
        if last and (last.source_id, last.last, last.quantity) == (capacity, number, left):
            draft.asks[-1] = Ask(last.pool_row, last.first, number + 1, left, reserve, listed_at, capacity)
        else:
            draft.asks.append(Ask(row_of[pool], number, number + 1, left, reserve, listed_at, capacity))


def _add_plans(draft: BookDraft, orders: Iterable[Order], bound: Collection[int]) -> None:
    """A plan of limited supply is a pool with one slot; its seats left are one ask at the posted price."""
    wanted = {order.plan_id for order in orders if order.plan_id is not None}
    limited = LicencePlan.objects.filter(
        pk__in=wanted,
        supply__isnull=False,
        status=LicencePlan.Status.LISTED,
        algorithm__status=Algorithm.Status.LISTED,
        algorithm__publisher__in=bound,
    )
    draft.plans = [plan for plan in limited.order_by("pk") if (plan.supply or 0) > plan.sold]
    for row, plan in enumerate(draft.plans, start=len(draft.pools)):
        left = (plan.supply or 0) - plan.sold
        draft.asks.append(Ask(row, 0, 1, left, plan.price, plan.created_at, plan.pk))


def _add_bids(
    draft: BookDraft, orders: Sequence[Order], first_slot: datetime, slots: int, bound: Collection[int]
) -> None:
    """Sort the orders into the draft. An option that offers too little in every run of hours is left out, and
    so is whom an order's voucher does not pay.
    """
    room = Room(_offered(draft, slots))
    plan_rows = {plan.pk: row for row, plan in enumerate(draft.plans, start=len(draft.pools))}
    limits = _limits(orders)
    barred = barred_sellers(order.hold_id for order in orders if order.hold_id is not None)
    for order in orders:
        not_paid = barred.get(order.hold_id or 0, set())
        if order.plan is None:
            eligible = [
                option
                for option in options_of(order, limits[order.pk], draft.pools)
                if draft.pools[option.pool_row].facility.provider_id not in not_paid
            ]
        elif order.plan.algorithm.publisher_id in not_paid:
            eligible = []
        elif order.plan.supply is None:
            draft.at_posted_price.append(Posted(order, _posted_price(order.plan, bound)))
            continue
        else:
            row = plan_rows.get(order.plan.pk)
            eligible = [] if row is None else [Option(row, order.limit_price)]
        earliest, latest = _window(order, first_slot, slots)
        run = {"earliest": earliest, "latest": latest, "duration": order.hours or 1}
        units = [room.most_units(option.pool_row, **run) for option in eligible]
        options = [option for option, most in zip(eligible, units, strict=True) if most >= order.minimum]
        if options:
            draft.bids.append(Bid(order, options, earliest, latest))
            continue
        draft.without_capacity.append(_best_of(draft, order, eligible, units))


def _posted_price(plan: LicencePlan, bound: Collection[int]) -> int | None:
    """What a seat costs at the gate; None where the plan is not on sale."""
    on_sale = (
        plan.status == LicencePlan.Status.LISTED
        and plan.algorithm.status == Algorithm.Status.LISTED
        and plan.algorithm.publisher_id in bound
    )
    return plan.price if on_sale else None


def _keep_bundles_whole(draft: BookDraft) -> None:
    """Take out of the draft what could fill although the other half of its bundle cannot."""
    can_fill = {bid.order.pk for bid in draft.bids}
    can_fill |= {each.order.pk for each in draft.at_posted_price if each.fills}

    def stays(order: Order) -> bool:
        return order.bundled_with_id is None or order.bundled_with_id in can_fill

    draft.without_other_half = [bid.order for bid in draft.bids if not stays(bid.order)]
    draft.without_other_half += [
        each.order for each in draft.at_posted_price if each.fills and not stays(each.order)
    ]
    draft.bids = [bid for bid in draft.bids if stays(bid.order)]
    draft.at_posted_price = [each for each in draft.at_posted_price if stays(each.order) or not each.fills]


def _best_of(draft: BookDraft, order: Order, eligible: list[Option], units: list[int]) -> NoCapacity:
    """Where an order that fills nowhere would come closest."""
    most = max(units, default=0)
    if not most:
        return NoCapacity(order, None, 0)
    row = eligible[units.index(most)].pool_row
    return NoCapacity(order, draft.pools[row] if row < len(draft.pools) else None, most)


def _offered(draft: BookDraft, slots: int) -> NDArray[np.int64]:
    """Units on offer by pool and slot."""
    units = np.zeros((len(draft.pools) + len(draft.plans), slots), np.int64)
    for ask in draft.asks:
        units[ask.pool_row, ask.first : ask.last] += ask.quantity
    return units


def _limits(orders: Sequence[Order]) -> dict[int, dict[int, int]]:
    """The limit price of each accelerator that a bid names, by order and accelerator."""
    limits: dict[int, dict[int, int]] = defaultdict(dict)
    named = OrderLimit.objects.filter(order__in=[order.pk for order in orders])
    for order_id, accelerator, price in named.values_list("order_id", "accelerator_id", "limit_price"):
        limits[order_id][accelerator] = price
    return limits


def _content(draft: BookDraft, slots: int) -> dict[str, Any]:
    ranks = _ranks(draft)
    asks, bids = draft.asks, draft.bids
    bundles = _bundles(bids)
    return {
        "slots": slots,
        "pools": max(1, len(draft.pools) + len(draft.plans)),
        "asks": {
            "pool": [ask.pool_row for ask in asks],
            "first": [ask.first for ask in asks],
            "last": [ask.last for ask in asks],
            "quantity": [ask.quantity for ask in asks],
            "price": [ask.price for ask in asks],
            "placed": ranks[: len(asks)],
        },
        "bids": {
            "quantity": [bid.order.quantity for bid in bids],
            "minimum": [bid.order.minimum for bid in bids],
            "duration": [bid.order.hours or 1 for bid in bids],
            "earliest": [bid.earliest for bid in bids],
            "latest": [bid.latest for bid in bids],
            "placed": ranks[len(asks) :],
        },
        "options": {
            "bid": [row for row, bid in enumerate(bids) for _ in bid.options],
            "pool": [option.pool_row for bid in bids for option in bid.options],
            "price": [option.limit_price for bid in bids for option in bid.options],
        },
        **({"bundles": bundles} if bundles["bid"] else {}),
    }


def _bundles(bids: Sequence[Bid]) -> dict[str, list[int]]:
    """The rows of compute bids bundled with orders of limited plans, and the rows of these."""
    row_of = {bid.order.pk: row for row, bid in enumerate(bids)}
    tied = [
        (row, row_of[bid.order.bundled_with_id])
        for row, bid in enumerate(bids)
        if bid.order.kind == Order.Kind.BID and bid.order.bundled_with_id in row_of
    ]
    return {"bid": [row for row, _ in tied], "with": [row for _, row in tied]}


def _window(order: Order, first_slot: datetime, slots: int) -> tuple[int, int]:
    """The slots of the horizon that the order may use; a licence order uses slot 0."""
    if order.window_start is None or order.window_end is None:
        return 0, 1
    earliest = int((order.window_start - first_slot) / SLOT)
    latest = int((order.window_end - first_slot) / SLOT)
    return max(0, earliest), min(slots, latest)


def _ranks(draft: BookDraft) -> list[int]:
    """The place of each ask, then of each bid, in the one order in which they all were placed."""
    capacity, plan, bid = range(3)
    of_plan = len(draft.pools)
    keys = [
        (ask.listed_at, plan if ask.pool_row >= of_plan else capacity, ask.source_id, ask.first)
        for ask in draft.asks
    ]
    keys += [(each.order.placed_at, bid, each.order.pk, 0) for each in draft.bids]
    ranks = [0] * len(keys)
    for rank, row in enumerate(sorted(range(len(keys)), key=keys.__getitem__)):
        ranks[row] = rank
    return ranks
