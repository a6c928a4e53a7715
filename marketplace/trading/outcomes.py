"""What became of each bid of a cleared book, and why, by the published prices. Nothing is kept."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from marketplace.trading.models import RoundOrder
from marketplace.trading.starts import Slots, cheapest_start, most_units, roomiest_start


@dataclass(frozen=True)
class BidOutcome:
    """Of a fill: where and at what mean price. Of a refusal: the start to look at, and what was missing."""

    outcome: RoundOrder.Outcome
    pool_row: int | None = None
    start: int | None = None
    price: int | None = None
    raise_by: int | None = None
    units: int | None = None


def bid_outcomes(book: dict[str, Any], result: dict[str, Any]) -> list[BidOutcome]:
    """The outcome of every bid of the book, by row."""
    prices = np.array(result["prices"], np.int64)
    offered, sold = units_by_slot(book, result)
    left = offered - sold
    outcomes: list[BidOutcome | None] = [None] * len(book["bids"]["quantity"])
    for bid, pool, start, quantity in zip(*result["fills"].values(), strict=True):
        run = prices[pool, start : start + book["bids"]["duration"][bid]]
        outcomes[bid] = BidOutcome(
            RoundOrder.Outcome.FILLED, pool, start, _mean_up(int(run.sum()), len(run)), None, quantity
        )
    options: list[list[tuple[int, int]]] = [[] for _ in outcomes]
    for bid, pool, price in zip(*book["options"].values(), strict=True):
        options[bid].append((pool, price))
    columns = (book["bids"][name] for name in ("minimum", "duration", "earliest", "latest"))
    refused = [Refused(*row) for row in zip(*columns, options, strict=True)]
    decided = [
        outcome or _refusal(refused[bid], prices, offered, left) for bid, outcome in enumerate(outcomes)
    ]
    for halves in zip(*book.get("bundles", {}).values(), strict=True):
        if decided[halves[0]].outcome != RoundOrder.Outcome.FILLED:
            chances = [_chance(refused[bid], prices, offered, left) for bid in halves]
            if chances[0] != chances[1]:
                decided[halves[chances.index(max(chances))]] = BidOutcome(RoundOrder.Outcome.OTHER_HALF)
    return decided


@dataclass(frozen=True)
class Refused:
    minimum: int
    duration: int
    earliest: int
    latest: int
    options: list[tuple[int, int]]  # (row of the pool, limit price)

    @property
    def run(self) -> dict[str, int]:
        return {"earliest": self.earliest, "latest": self.latest, "duration": self.duration}


def _refusal(bid: Refused, prices: Slots, offered: Slots, left: Slots) -> BidOutcome:
    starts = [
        (start.cost - limit * bid.duration, pool, start)
        for pool, limit in bid.options
        if (start := cheapest_start(prices[pool], offered[pool], minimum=bid.minimum, **bid.run))
    ]
    if not starts:
        units, pool = max((most_units(offered[pool], **bid.run), -pool) for pool, _ in bid.options)
        return BidOutcome(RoundOrder.Outcome.NO_CAPACITY, -pool, units=units)
    short, pool, start = min(starts, key=lambda each: (each[0], each[1]))
    if short >= 0:  # At the limit exactly, an order that was worth no less came first: outbid it by a fen.
        raise_by = max(1, _mean_up(short, bid.duration))
        price = _mean_up(start.cost, bid.duration)
        return BidOutcome(RoundOrder.Outcome.LIMIT_TOO_LOW, pool, start.slot, price, raise_by, start.units)
    return _indivisible(bid, prices, left)


class Chance(IntEnum):
    """How near a refused bid, were it alone, came to being filled at the published prices."""

    OUT_OF_THE_MONEY = 0
    WITHIN_ITS_LIMIT = 1
    ROOM_LEFT = 2


def _chance(bid: Refused, prices: Slots, offered: Slots, left: Slots) -> Chance:
    if _within_limit(bid, prices, left):
        return Chance.ROOM_LEFT
    return Chance.WITHIN_ITS_LIMIT if _within_limit(bid, prices, offered) else Chance.OUT_OF_THE_MONEY


def _within_limit(bid: Refused, prices: Slots, units: Slots) -> bool:
    """Whether some start with its minimum of these units costs no more than its limit."""
    starts = (
        (limit, cheapest_start(prices[pool], units[pool], minimum=bid.minimum, **bid.run))
        for pool, limit in bid.options
    )
    return any(start is not None and start.cost <= limit * bid.duration for limit, start in starts)


def _indivisible(bid: Refused, prices: Slots, left: Slots) -> BidOutcome:
    """Of all starts within the limit, the one that had the most units left."""
    rooms = [
        (room.units, -room.cost, -pool, room.slot)
        for pool, limit in bid.options
        if (room := roomiest_start(prices[pool], left[pool], most=limit * bid.duration, **bid.run))
    ]
    units, cost, pool, slot = max(rooms)
    return BidOutcome(RoundOrder.Outcome.INDIVISIBLE, -pool, slot, _mean_up(-cost, bid.duration), None, units)


def _units(book: dict[str, Any], pools: list[int], runs: dict[str, list[int]]) -> Slots:
    """Units by pool and slot, of runs that have `first`, `last` and `quantity`."""
    steps = np.zeros((book["pools"], book["slots"] + 1), np.int64)
    np.add.at(steps, (pools, runs["first"]), runs["quantity"])
    np.subtract.at(steps, (pools, runs["last"]), runs["quantity"])
    return steps.cumsum(axis=1)[:, :-1]


def units_by_slot(book: dict[str, Any], result: dict[str, Any]) -> tuple[Slots, Slots]:
    """Units offered and units sold, by pool and slot."""
    pools_sold = [book["asks"]["pool"][ask] for ask in result["sales"]["ask"]]
    offered = _units(book, book["asks"]["pool"], book["asks"])
    return offered, _units(book, pools_sold, result["sales"])


def _mean_up(total: int, hours: int) -> int:
    return -(-total // hours)
