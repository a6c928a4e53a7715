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
