"""Uniform-price double auctions with answers worked by hand: one pool, one slot."""

from typing import Any

import pytest

from marketplace.clearing.book import Book
from marketplace.clearing.solve import solve
from marketplace.clearing.verify import violations

Order = tuple[int, int]  # quantity and price, in the order placed


def clear(asks: list[Order], bids: list[Order], *, bids_first: bool = False) -> dict[str, Any]:
    first_ask, first_bid = (len(bids), 0) if bids_first else (0, len(asks))
    document = {
        "slots": 1,
        "pools": 1,
        "asks": {
            "pool": [0] * len(asks),
            "first": [0] * len(asks),
            "last": [1] * len(asks),
            "quantity": [quantity for quantity, _ in asks],
            "price": [price for _, price in asks],
            "placed": [first_ask + row for row in range(len(asks))],
        },
        "bids": {
            "quantity": [quantity for quantity, _ in bids],
            "minimum": [1] * len(bids),
            "duration": [1] * len(bids),
            "earliest": [0] * len(bids),
            "latest": [1] * len(bids),
            "placed": [first_bid + row for row in range(len(bids))],
        },
        "options": {
            "bid": list(range(len(bids))),
            "pool": [0] * len(bids),
            "price": [price for _, price in bids],
        },
    }
    result = solve(Book.from_json(document)).to_json()
    assert violations(document, result) == []
    return result


ONES = [(1, price) for price in (10, 20, 30)]

TEXTBOOK = {
    # name: asks, bids, volume, price, welfare; [a, b] is the interval of prices that clear
    # 25 >= 10 but 18 < 20: one trade; [max(10, 18), min(25, 20)] = [18, 20]
    "the refused bid and the idle ask bind": (ONES, [(1, 25), (1, 18), (1, 12)], 1, 19, 15),
    # 9 >= 2, 8 >= 3, 7 >= 4 but 4 < 5: three; [max(4, 4), min(7, 5)] = [4, 5], and half a tick rounds down
    "half a tick rounds down": ([(1, p) for p in (2, 3, 4, 5)], [(1, p) for p in (9, 8, 7, 4)], 3, 4, 15),
    # all three trade, nobody is left to bind: [30, 35]
    "everyone trades": (ONES, [(1, 50), (1, 40), (1, 35)], 3, 32, 65),
    # the second bid pays exactly what the second ask wants, and volume is the largest: [20, 20]
    "a trade without gain is made": (ONES, [(1, 30), (1, 20)], 2, 20, 20),
    # 19 < 20: no trade, and the next unit would cost 20
    "no crossing": ([(1, 20), (1, 30)], [(1, 19)], 0, 20, 0),
    # the next unit would cost 10
    "no bids": (ONES, [], 0, 10, 0),
    # nothing to price
    "no asks": ([], [(1, 25)], 0, 0, 0),
    # two of five units are left at 10: [10, min(20, 10)]
    "more supply than demand": ([(5, 10)], [(3, 20)], 3, 10, 30),
    # two units for four bids: [max(10, 20), 25], and 22.5 rounds down
    "more demand than supply": ([(2, 10)], [(1, p) for p in (30, 25, 20, 15)], 2, 22, 35),
    # the second bid gets one unit of its two, so it binds from both sides: [max(10, 20), min(30, 20)]
    "the cut bid sets the price": ([(3, 10)], [(2, 30), (2, 20)], 3, 20, 50),
    # the second ask sells one unit of its two, so it binds from both sides: [max(10, 14), min(18, 14)]
    "the cut ask sets the price": ([(2, 10), (2, 14)], [(3, 18)], 3, 14, 20),
    # one licence: the second highest bid and the highest, [3000, 5000]
    "an exclusive licence": ([(1, 1000)], [(1, 3000), (1, 5000)], 1, 4000, 4000),
    # the second bid is below the reserve of 1000 and binds no more than the reserve does: [1000, 5000]
    "an exclusive licence wanted once": ([(1, 1000)], [(1, 900), (1, 5000)], 1, 3000, 4000),
    # three seats at 500, five buyers: [max(500, 600), 700]
    "three seats": ([(3, 500)], [(1, p) for p in (900, 800, 700, 600, 550)], 3, 650, 900),
    # seats without end trade at the posted price: [99, 99]; the third buyer will not pay it
    "unlimited supply": ([(10**6, 99)], [(1, 150), (1, 99), (1, 80)], 2, 99, 51),
    # capacity that costs nothing: [max(0, 6), 7]
    "a reserve of nothing": ([(2, 0)], [(1, 8), (1, 7), (1, 6)], 2, 6, 15),
}


@pytest.mark.parametrize("name", TEXTBOOK)
def test_textbook(name: str) -> None:
    asks, bids, volume, price, welfare = TEXTBOOK[name]
    result = clear(asks, bids)
    assert sum(result["fills"]["quantity"]) == volume
    assert sum(result["sales"]["quantity"]) == volume
    assert result["prices"] == [[price]]
    assert result["welfare"] == result["bound"] == welfare
    assert result["gap"] == 0


def test_the_earlier_of_two_equal_bids_trades() -> None:
    result = clear([(1, 10)], [(1, 20), (1, 20)])
    assert result["fills"]["bid"] == [0]
    assert result["prices"] == [[20]]  # [max(10, 20), 20]


def test_the_earlier_of_two_equal_asks_sells() -> None:
    result = clear([(2, 10), (2, 10)], [(3, 12)])
    assert result["sales"]["ask"] == [0, 1]
    assert result["sales"]["quantity"] == [2, 1]
    assert result["prices"] == [[10]]  # [10, min(12, 10)]


def test_who_came_first_to_the_market_changes_nothing() -> None:
    asks, bids = [(2, 10), (3, 13), (2, 17)], [(2, 20), (2, 15), (3, 14), (1, 11)]
    earlier = clear(asks, bids)
    later = clear(asks, bids, bids_first=True)
    # five units at 13 or less; 20, 20, 15, 15, 14 are the highest limits; the third bid is cut: [14, 14]
    assert earlier["prices"] == later["prices"] == [[14]]
    assert earlier["fills"]["quantity"] == later["fills"]["quantity"] == [2, 2, 1]
