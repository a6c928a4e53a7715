"""Why each bid of a cleared book filled or not, read off the published prices."""

from typing import Any

import pytest

from marketplace.trading.models import RoundOrder
from marketplace.trading.outcomes import BidOutcome, bid_outcomes

Outcome = RoundOrder.Outcome


def refused(prices: list[list[int]], **bid: Any) -> BidOutcome:
    """What a refused bid hears, with 12 units a pool in two slots, of which a first bid took ten."""
    bid = {"quantity": 4, "minimum": 4, "duration": 1, "limits": [2000, 2000], "window": (0, 2)} | bid
    book = {
        "slots": 2,
        "pools": 2,
        "asks": {"pool": [0, 1], "first": [0, 0], "last": [2, 2], "quantity": [12, 12], "price": [10, 10]},
        "bids": {
            "quantity": [10, bid["quantity"]],
            "minimum": [10, bid["minimum"]],
            "duration": [2, bid["duration"]],
            "earliest": [0, bid["window"][0]],
            "latest": [2, bid["window"][1]],
        },
        "options": {"bid": [0, 1, 1], "pool": [0, 0, 1], "price": [9_000, *bid["limits"]]},
    }
    result = {
        "fills": {"bid": [0], "pool": [0], "start": [0], "quantity": [10]},
        "sales": {"ask": [0], "first": [0], "last": [2], "quantity": [10]},
        "prices": prices,
    }
    filled, outcome = bid_outcomes(book, result)
    assert (filled.outcome, filled.pool_row, filled.start, filled.units) == (Outcome.FILLED, 0, 0, 10)
    return outcome


@pytest.mark.parametrize(
    ("prices", "bid", "expected"),
    [
        (
            [[2300, 2200], [2400, 2400]],
            {},
            BidOutcome(Outcome.LIMIT_TOO_LOW, 0, 1, 2200, 200, 12),
        ),
        (  # what counts is how far each pool is above the limit there, not how dear it is
            [[2300, 2300], [2400, 2400]],
            {"limits": [2000, 2350]},
            BidOutcome(Outcome.LIMIT_TOO_LOW, 1, 0, 2400, 50, 12),
        ),
        (  # over several hours, the mean, rounded up
            [[2300, 2201], [9000, 9000]],
            {"duration": 2},
            BidOutcome(Outcome.LIMIT_TOO_LOW, 0, 0, 2251, 251, 12),
        ),
        (  # at the limit exactly, a fen more would have come first
            [[2000, 2000], [9000, 9000]],
            {},
            BidOutcome(Outcome.LIMIT_TOO_LOW, 0, 0, 2000, 1, 12),
        ),
        (
            [[1900, 1800], [9000, 9000]],
            {},
            BidOutcome(Outcome.INDIVISIBLE, 0, 1, 1800, None, 2),
        ),
        (  # another pool had more room
            [[1800, 1800], [1900, 1900]],
            {},
            BidOutcome(Outcome.INDIVISIBLE, 1, 0, 1900, None, 12),
        ),
        (
            [[10, 10], [10, 10]],
            {"quantity": 13, "minimum": 13},
            BidOutcome(Outcome.NO_CAPACITY, 0, units=12),
        ),
    ],
)
def test_a_refusal_names_the_cheapest_way_to_fill(prices, bid, expected):
    assert refused(prices, **bid) == expected


def bundled(prices: list[list[int]], left: tuple[int, int] = (12, 12)) -> list[BidOutcome]:
    """What the halves of a refused bundle hear: four units each, of a pool each, at a limit of 2000."""
    sold = [(pool, 12 - units) for pool, units in enumerate(left) if units < 12]
    rows = range(len(sold) + 2)
    book = {
        "slots": 1,
        "pools": 2,
        "asks": {"pool": [0, 1], "first": [0, 0], "last": [1, 1], "quantity": [12, 12], "price": [10, 10]},
        "bids": {
            "quantity": [4, 4, *(units for _, units in sold)],
            "minimum": [4, 4, *(units for _, units in sold)],
            "duration": [1 for _ in rows],
            "earliest": [0 for _ in rows],
            "latest": [1 for _ in rows],
        },
        "options": {
            "bid": list(rows),
            "pool": [0, 1, *(pool for pool, _ in sold)],
            "price": [2000, 2000, *(9000 for _ in sold)],
        },
        "bundles": {"bid": [0], "with": [1]},
    }
    result = {
        "fills": {
            "bid": [row + 2 for row in range(len(sold))],
            "pool": [pool for pool, _ in sold],
            "start": [0 for _ in sold],
            "quantity": [units for _, units in sold],
        },
        "sales": {
            "ask": [pool for pool, _ in sold],
            "first": [0 for _ in sold],
            "last": [1 for _ in sold],
            "quantity": [units for _, units in sold],
        },
        "prices": prices,
    }
    return bid_outcomes(book, result)[:2]


TOO_LOW = Outcome.LIMIT_TOO_LOW
HALF = BidOutcome(Outcome.OTHER_HALF)


@pytest.mark.parametrize(
    ("prices", "left", "expected"),
    [
        ([[2100], [1900]], (12, 12), [BidOutcome(TOO_LOW, 0, 0, 2100, 100, 12), HALF]),
        ([[1900], [2100]], (12, 12), [HALF, BidOutcome(TOO_LOW, 1, 0, 2100, 100, 12)]),
        # A seat at the posted price, limit for limit: a fen more would not have helped.
        ([[2100], [2000]], (12, 12), [BidOutcome(TOO_LOW, 0, 0, 2100, 100, 12), HALF]),
        # Both could pay, but one had no room left.
        ([[1900], [1900]], (2, 12), [BidOutcome(Outcome.INDIVISIBLE, 0, 0, 1900, None, 2), HALF]),
        # Who could pay was not kept out by the room that others took instead.
        ([[1900], [2100]], (2, 12), [HALF, BidOutcome(TOO_LOW, 1, 0, 2100, 100, 12)]),
        # Each has a reason of its own.
        (
            [[2100], [2300]],
            (12, 12),
            [BidOutcome(TOO_LOW, 0, 0, 2100, 100, 12), BidOutcome(TOO_LOW, 1, 0, 2300, 300, 12)],
        ),
    ],
)
def test_the_half_that_could_have_filled_points_to_the_other(prices, left, expected):
    assert bundled(prices, left) == expected
