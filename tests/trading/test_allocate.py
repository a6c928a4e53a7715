"""Which capacity serves which fill: every fill is served whole, no capacity serves more than it sold."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from marketplace.trading.allocate import Share, allocate

SLOTS = 6


def documents(fills, sales, asks_pools):
    """`fills`: (pool, start, duration, units); `sales`: (ask, first, last, units)."""
    book = {"bids": {"duration": [duration for _, _, duration, _ in fills]}, "asks": {"pool": asks_pools}}
    result = {
        "fills": {
            "bid": list(range(len(fills))),
            "pool": [pool for pool, *_ in fills],
            "start": [start for _, start, _, _ in fills],
            "quantity": [units for *_, units in fills],
        },
        "sales": {
            name: [sale[place] for sale in sales]
            for place, name in enumerate(("ask", "first", "last", "quantity"))
        },
    }
    return book, result


def test_a_fill_over_two_asks_is_two_shares():
    book, result = documents([(0, 1, 3, 5)], [(0, 1, 4, 3), (1, 1, 4, 2)], [0, 0])
    assert allocate(book, result) == [Share(0, 0, 1, 4, 3), Share(0, 1, 1, 4, 2)]


def test_a_run_goes_on_while_nothing_changes():
    """The second fill comes and goes; the first is served by the same ask all along."""
    fills = [(0, 0, 4, 2), (0, 1, 2, 1)]
    sales = [(0, 0, 1, 2), (0, 1, 3, 3), (0, 3, 4, 2)]
    book, result = documents(fills, sales, [0])
    assert allocate(book, result) == [Share(0, 0, 0, 4, 2), Share(1, 0, 1, 3, 1)]


@st.composite
def cleared(draw):
    """Fills in two pools, and sales of two asks each that add up to them in every slot."""
    fills = []
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, SLOTS - 1))
        duration = draw(st.integers(1, SLOTS - start))
        fills.append((draw(st.integers(0, 1)), start, duration, draw(st.integers(1, 4))))
    sales = []
    for pool in range(2):
        split = draw(st.integers(0, 5))
        for slot in range(SLOTS):
            wanted = sum(units for p, start, d, units in fills if p == pool and start <= slot < start + d)
            shares = [(2 * pool, min(split, wanted)), (2 * pool + 1, wanted - min(split, wanted))]
            sales += [(ask, slot, slot + 1, units) for ask, units in shares if units]
    return fills, sales


@given(cleared())
def test_every_slot_adds_up(case):
    fills, sales = case
    book, result = documents(fills, sales, [0, 0, 1, 1])
    served, used = Counter(), Counter()
    for share in allocate(book, result):
        assert share.units > 0
        for slot in range(share.first, share.last):
            served[share.fill, slot] += share.units
            used[share.ask, slot] += share.units
    assert served == Counter(
        {
            (fill, slot): units
            for fill, (_, start, duration, units) in enumerate(fills)
            for slot in range(start, start + duration)
        }
    )
    assert used == Counter({(ask, first): units for ask, first, _, units in sales})
