"""Small books for hypothesis: at most 8 bids, 3 pools and 12 slots, so that an oracle can try all of them."""

from itertools import combinations
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.clearing.oracle import (
    Allocation,
    Book,
    Result,
    as_result,
    cells,
    partners,
    placements,
    run,
    units_offered,
)

# A busy machine draws and compiles slowly; that is no failure.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def books(draw: st.DrawFn, *, bundles: bool = False, divisible: bool | None = None) -> Book:
    """A valid book. Half of the asks and bids repeat the one before: merit and priority have something to
    say.
    """
    slots = draw(st.sampled_from([4, 1, 2, 12, 3, 6, 5]))
    pools = draw(st.integers(2 if bundles else 1, 3))
    asks: list[dict[str, int]] = []
    for _ in range(draw(st.sampled_from([3, 2, 4, 3, 1, 0, 2, 3, 4, 5]))):
        asks.append(asks[-1] if asks and draw(st.booleans()) else draw(_asks(slots, pools)))
    shapes: list[dict[str, Any]] = []
    for _ in range(draw(st.sampled_from([5, 6, 4, 3, 5, 6, 2, 1, 0, 4, 5, 7, 8]))):
        twin = bool(shapes) and draw(st.booleans())
        shapes.append(dict(shapes[-1]) if twin else draw(_shapes(slots, pools, divisible)))
    placed = draw(st.permutations(range(len(asks) + len(shapes))))
    options = [
        (bid, pool, 12 - draw(st.integers(0, 12)))
        for bid, shape in enumerate(shapes)
        for pool in shape["pools"]
    ]
    book: Book = {
        "slots": slots,
        "pools": pools,
        "asks": {
            name: [ask[name] for ask in asks] for name in ("pool", "first", "last", "quantity", "price")
        },
        "bids": {name: [shape[name] for shape in shapes] for name in BID_SHAPE},
        "options": dict(zip(("bid", "pool", "price"), map(list, zip(*options, strict=True)), strict=True))
        if options
        else {"bid": [], "pool": [], "price": []},
    }
    book["asks"]["placed"] = placed[: len(asks)]
    book["bids"]["placed"] = placed[len(asks) :]
    if bundles:
        pairs = draw(_pairs([set(shape["pools"]) for shape in shapes]))
        book["bundles"] = {"bid": [one for one, _ in pairs], "with": [other for _, other in pairs]}
    return book


BID_SHAPE = ("quantity", "minimum", "duration", "earliest", "latest")


@st.composite
def _asks(draw: st.DrawFn, slots: int, pools: int) -> dict[str, int]:
    first = draw(st.sampled_from([0, 0, slots // 2, slots - 1]))
    return {
        "pool": draw(st.integers(0, pools - 1)),
        "first": first,
        "last": slots - draw(st.integers(0, slots - first - 1)) // 2,
        "quantity": 6 - draw(st.integers(0, 5)),
        "price": draw(st.sampled_from([2, 3, 1, 4, 0, 6, 8, 5])),
    }


# Hypothesis likes the ends of a range best, so the dull choices stand in the middle here and below.
_SUBSETS = {
    1: [(0,), (0,), (0,), (0,), (), (0,), (0,), (0,)],
    2: [(0, 1), (0,), (1,), (), (0,), (1,), (0, 1)],
    3: [(0, 1, 2), (0, 1), (0,), (1,), (), (2,), (1, 2), (0, 2), (0, 1, 2)],
}


@st.composite
def _shapes(draw: st.DrawFn, slots: int, pools: int, divisible: bool | None) -> dict[str, Any]:
    quantity = draw(st.integers(1, 4))
    duration = draw(st.integers(1, min(4, slots)))
    slack = draw(st.integers(0, min(2, slots - duration)))
    earliest = draw(st.integers(0, slots - duration - slack))
    if divisible is None:
        minimum = draw(st.sampled_from([quantity, quantity, 1, (quantity + 1) // 2]))
    else:
        minimum = 1 if divisible else quantity
    return {
        "quantity": quantity,
        "minimum": minimum,
        "duration": duration,
        "earliest": earliest,
        "latest": earliest + duration + slack,
        "pools": sorted(draw(st.sampled_from(_SUBSETS[pools]))),
    }


@st.composite
def _pairs(draw: st.DrawFn, pools: list[set[int]]) -> list[tuple[int, int]]:
    """Disjoint pairs of bids that name no pool in common."""
    pairs = []
    free = draw(st.permutations(range(len(pools))))
    for one, other in zip(free[::2], free[1::2], strict=False):
        if not pools[one] & pools[other] and draw(st.booleans()):
            pairs.append((one, other))
    return pairs


@st.composite
def feasible_results(draw: st.DrawFn, book: Book) -> Result:
    """Some feasible allocation at some prices: promises 1, 3 and 9 hold, the others as luck has it."""
    partner = partners(book)
    room = {(pool, slot): len(units_offered(book, pool, slot)) for pool, slot in cells(book)}
    allocation: Allocation = {}
    for bid in range(len(book["bids"]["placed"])):
        choices = [
            place
            for place in placements(book, bid)
            if all(room[cell] >= place.quantity for cell in run(book, bid, place))
        ]
        if choices and not draw(SOMETIMES):
            allocation[bid] = draw(st.sampled_from(choices))
            for cell in run(book, bid, allocation[bid]):
                room[cell] -= allocation[bid].quantity
    whole = {bid: place for bid, place in allocation.items() if partner.get(bid, bid) in allocation}
    result = as_result(book, whole)
    prices = [[max(0, price + draw(BUMPS)) for price in row] for row in result["prices"]]
    result = as_result(book, whole, prices)
    refused = result["paradoxically_rejected"]
    if refused["bid"] and draw(SOMETIMES):
        refused["bid"].pop()
        refused["surplus"].pop()
    return swapped(book, result) if draw(st.booleans()) else result


SOMETIMES = st.sampled_from([False, False, True, False])
BUMPS = st.sampled_from([0] * 8 + [-1, 1, 2, 5] + [0] * 4)


def swapped(book: Book, result: Result) -> Result:
    """The sales of the first two asks of one shape and pool handed to each other."""
    asks = book["asks"]
    for one, other in combinations(range(len(asks["pool"])), 2):
        if all(
            asks[name][one] == asks[name][other] for name in ("pool", "first", "last", "quantity", "price")
        ):
            hand = {one: other, other: one}
            result["sales"]["ask"] = [hand.get(ask, ask) for ask in result["sales"]["ask"]]
            break
    return result
