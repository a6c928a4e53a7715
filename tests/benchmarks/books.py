"""Seeded books for the benchmarks, in the columns of the clearing's file format.

Accelerator counts, durations and arrivals are drawn from the figures that the project ships in
marketplace/trading/data/demand.json, which names the public cluster traces they derive from. Capacities
and all prices are synthetic: log-normal.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

import marketplace

DEMAND = Path(marketplace.__path__[0]) / "trading" / "data" / "demand.json"

Columns = dict[str, np.ndarray]
Tables = dict[str, int | Columns]

RESERVE_MEDIAN, RESERVE_SIGMA = 1200, 0.40  # ticks: 12 CNY
CAPACITY_SIGMA = 0.40
LIMIT_MEDIAN, LIMIT_SIGMA = 1400, 0.35  # ticks: 14 CNY
POOL_SIGMA = 0.12  # the part of both that is the pool's: a faster accelerator costs, and is worth, more
DIVISIBLE = 0.25  # the share of bids that accept half of their quantity; the others are all-or-none


@dataclass(frozen=True)
class Demand:
    """Draws accelerators, durations and arrival hours from the shipped table."""

    clusters: list[tuple[np.ndarray, np.ndarray]]
    probability: np.ndarray
    hours: np.ndarray
    arrivals: np.ndarray

    @classmethod
    def load(cls) -> "Demand":
        table = json.loads(DEMAND.read_text())
        counts = [table["accelerators"][cluster] for cluster in ("kalos", "gavel")]
        jobs = np.array(table["arrivals_by_hour"]["jobs"], dtype=float)
        return cls(
            [(np.array(c["value"]), np.array(c["jobs"]) / sum(c["jobs"])) for c in counts],
            np.array(table["duration_hours"]["probability"]),
            np.array(table["duration_hours"]["hours"]),
            jobs / jobs.sum(),
        )

    def quantities(self, rng: np.random.Generator, n: int, least: int = 1) -> np.ndarray:
        """Accelerators: half of the bids drawn from each cluster, among the counts of `least` or more."""
        drawn = []
        for value, share in self.clusters:
            kept = np.where(value >= least, share, 0.0)
            drawn.append(rng.choice(value, n, p=kept / kept.sum()))
        return np.where(rng.random(n) < 0.5, *drawn)

    def durations(self, rng: np.random.Generator, n: int, longest: int) -> np.ndarray:
        hours = np.interp(rng.random(n), self.probability, self.hours)
        return np.clip(np.ceil(hours), 1, longest).astype(np.int64)

    def starts(self, rng: np.random.Generator, n: int, slots: int) -> np.ndarray:
        """Arrivals: a uniform day, and an hour of the day by the trace's arrivals."""
        day = rng.integers(0, max(1, slots // 24), n)
        return np.minimum(24 * day + rng.choice(24, n, p=self.arrivals), slots - 1)


def log_normal(rng: np.random.Generator, median: float, sigma: float, n: int) -> np.ndarray:
    return median * np.exp(sigma * rng.standard_normal(n))


def flexible(
    seed: int,
    *,
    bids: int,
    pools: int,
    slots: int,
    load: float = 1.5,
    options: tuple[int, int] = (1, 6),
    slack: int = 168,
    asks_per_pool: int = 5,
    least: int = 1,
    neighbourhoods: int = 1,
    divisible: float = DIVISIBLE,
) -> Tables:
    """A market of block bids: demand is `load` times the supply, in accelerator-slots.

    `options` is the least and the most pools a bid accepts, drawn evenly, out of its neighbourhood: pools
    fall into `neighbourhoods` equal groups that share no bid. A bid takes only pools that offer its quantity
    in every slot, and is cut to the largest it drew where none does.
    """
    rng = np.random.default_rng(seed)
    demand = Demand.load()
    quantity = demand.quantities(rng, bids, least)
    duration = demand.durations(rng, bids, slots)
    earliest = np.minimum(demand.starts(rng, bids, slots), slots - duration)
    latest = np.minimum(earliest + duration + rng.integers(0, slack + 1, bids), slots)

    group = pools // neighbourhoods
    count = np.minimum(rng.integers(options[0], options[1] + 1, bids), group)
    home = rng.integers(0, neighbourhoods, bids) * group
    option_bid, option_pool = distinct_pools(rng, count, group)
    option_pool += home[option_bid]

    ask_pool = np.repeat(np.arange(pools), asks_per_pool)
    asks = len(ask_pool)
    first = np.where(np.arange(asks) % asks_per_pool < 2, 0, rng.integers(0, slots // 2 + 1, asks))
    length = np.where(first == 0, slots, rng.integers(slots // 4, slots + 1, asks))
    last = np.minimum(first + np.maximum(length, 1), slots)
    share = log_normal(rng, 1.0, CAPACITY_SIGMA, asks)
    for _ in range(4):
        supply = (quantity * duration).sum() / load
        capacity = np.maximum(1, np.rint(share * supply / (share * (last - first)).sum())).astype(np.int64)
        least_offered = trough(ask_pool, first, last, capacity, pools, slots)
        room = np.zeros(bids, dtype=np.int64)
        np.maximum.at(room, option_bid, least_offered[option_pool])
        quantity = np.minimum(quantity, room)
    fits = least_offered[option_pool] >= quantity[option_bid]
    option_bid, option_pool = option_bid[fits], option_pool[fits]

    worth = np.exp(POOL_SIGMA * rng.standard_normal(pools))
    reserve = log_normal(rng, RESERVE_MEDIAN, (RESERVE_SIGMA**2 - POOL_SIGMA**2) ** 0.5, asks)
    limit = log_normal(rng, LIMIT_MEDIAN, (LIMIT_SIGMA**2 - POOL_SIGMA**2) ** 0.5, bids)
    minimum = np.where(rng.random(bids) < divisible, (quantity + 1) // 2, quantity)
    placed = rng.permutation(asks + bids)
    return {
        "slots": slots,
        "pools": pools,
        "asks": {
            "pool": ask_pool,
            "first": first,
            "last": last,
            "quantity": capacity,
            "price": ticks(reserve * worth[ask_pool]),
            "placed": placed[:asks],
        },
        "bids": {
            "quantity": quantity,
            "minimum": minimum,
            "duration": duration,
            "earliest": earliest,
            "latest": latest,
            "placed": placed[asks:],
        },
        "options": {
            "bid": option_bid,
            "pool": option_pool,
            "price": ticks(limit[option_bid] * worth[option_pool]),
        },
    }


def later_round(seed: int, *, bids: int, pools: int, slots: int) -> Tables:
    """What earlier rounds left, and few new bids: the cheap asks nearly sold out, the dear ones partly.

    Each ask of a `flexible` book at load 0.2 keeps, in runs of some hours, a drawn part of its units, none in
    some; the cheaper ask of a pool keeps less. Options to pools that could never hold the bid are left out.
    """
    rng = np.random.default_rng(seed)
    book = flexible(seed, bids=bids, pools=pools, slots=slots, load=0.2, slack=slots // 4, asks_per_pool=2)
    asks, columns = book["asks"], book["asks"].keys()
    cheap = asks["price"] == np.minimum.reduceat(asks["price"], np.arange(0, 2 * pools, 2)).repeat(2)
    left = []
    for row in range(len(cheap)):
        edges = np.unique(np.append(rng.integers(1, slots, slots // 8), [0, slots]))
        for first, last in pairwise(edges.tolist()):
            kept = rng.beta(0.5, 3.0) if cheap[row] else rng.beta(1.0, 1.0)
            units = int(kept * asks["quantity"][row])
            if units and asks["first"][row] <= first and last <= asks["last"][row]:
                left.append((asks["pool"][row], first, last, units, asks["price"][row], len(left)))
    book["asks"] = dict(zip(columns, np.array(left, np.int64).T.copy(), strict=True))
    book["bids"]["placed"] = len(left) + rng.permutation(bids)
    keep = possible(book)
    book["options"] = {name: column[keep] for name, column in book["options"].items()}
    return book


def possible(book: Tables) -> np.ndarray:
    """The options by which the least quantity of the bid fits somewhere in its window."""
    asks, bids, options = book["asks"], book["bids"], book["options"]
    offered = np.zeros((book["pools"], book["slots"]), np.int64)
    for pool, first, last, quantity in zip(
        *(asks[n] for n in ("pool", "first", "last", "quantity")), strict=True
    ):
        offered[pool, first:last] += quantity
    keep = np.zeros(len(options["bid"]), bool)
    for row, (bid, pool) in enumerate(zip(options["bid"], options["pool"], strict=True)):
        window = offered[pool, bids["earliest"][bid] : bids["latest"][bid]]
        runs = np.lib.stride_tricks.sliding_window_view(window, bids["duration"][bid])
        keep[row] = runs.min(axis=1).max() >= bids["minimum"][bid]
    return keep


def distinct_pools(rng: np.random.Generator, count: np.ndarray, pools: int) -> tuple[np.ndarray, np.ndarray]:
    """For each bid, `count` different pools out of `pools`; rows in the order of bids, then pools."""
    most = int(count.max())
    drawn = np.argsort(rng.random((len(count), pools)), axis=1)[:, :most] if pools <= 64 else None
    if drawn is None:  # a stride coprime to the number of pools visits no pool twice
        strides = np.array([stride for stride in range(1, pools) if np.gcd(stride, pools) == 1])
        stride = rng.choice(strides, len(count))
        drawn = (rng.integers(0, pools, len(count))[:, None] + stride[:, None] * np.arange(most)) % pools
    taken = np.arange(most) < count[:, None]
    bid, pool = np.nonzero(taken)[0], drawn[taken]
    order = np.lexsort((pool, bid))
    return bid[order], pool[order]


def trough(
    pool: np.ndarray, first: np.ndarray, last: np.ndarray, quantity: np.ndarray, pools: int, slots: int
) -> np.ndarray:
    """The units that each pool offers in every slot."""
    change = np.zeros((pools, slots + 1), dtype=np.int64)
    np.add.at(change, (pool, first), quantity)
    np.add.at(change, (pool, last), -quantity)
    return change.cumsum(axis=1)[:, :-1].min(axis=1)


def ticks(price: np.ndarray) -> np.ndarray:
    return np.maximum(1, np.rint(price)).astype(np.int64)


def one_slot(seed: int, *, orders: int) -> Tables:
    """The textbook case: one pool, one slot, as many asks as bids, all divisible."""
    rng = np.random.default_rng(seed)
    asks = orders // 2
    bids = orders - asks
    quantity = Demand.load().quantities(rng, bids)
    placed = rng.permutation(orders)
    return {
        "slots": 1,
        "pools": 1,
        "asks": {
            "pool": np.zeros(asks, dtype=np.int64),
            "first": np.zeros(asks, dtype=np.int64),
            "last": np.ones(asks, dtype=np.int64),
            "quantity": Demand.load().quantities(rng, asks),
            "price": ticks(log_normal(rng, RESERVE_MEDIAN, RESERVE_SIGMA, asks)),
            "placed": placed[:asks],
        },
        "bids": {
            "quantity": quantity,
            "minimum": np.ones(bids, dtype=np.int64),
            "duration": np.ones(bids, dtype=np.int64),
            "earliest": np.zeros(bids, dtype=np.int64),
            "latest": np.ones(bids, dtype=np.int64),
            "placed": placed[asks:],
        },
        "options": {
            "bid": np.arange(bids),
            "pool": np.zeros(bids, dtype=np.int64),
            "price": ticks(log_normal(rng, LIMIT_MEDIAN, LIMIT_SIGMA, bids)),
        },
    }


BOOKS: dict[str, Callable[[], Tables]] = {
    "large": lambda: flexible(1, bids=100_000, pools=60, slots=168),
    "huge": lambda: flexible(2, bids=1_000_000, pools=300, slots=336),
    "milp": lambda: flexible(3, bids=1_000, pools=6, slots=168),
    "fixed": lambda: flexible(4, bids=500, pools=1, slots=168, options=(1, 1), slack=0),
    "fifty": lambda: flexible(9, bids=50, pools=3, slots=48, options=(1, 3), slack=24),
    **{
        f"later-{seed}": partial(later_round, seed, bids=40 + 40 * (seed % 2), pools=4, slots=48)
        for seed in range(10, 18)
    },
    "one-slot": lambda: one_slot(5, orders=1_000_000),
    "blocks": lambda: flexible(6, bids=2_000, pools=1, slots=168, load=3.0, options=(1, 1), least=32),
    "everywhere": lambda: flexible(7, bids=5_000, pools=12, slots=168, options=(12, 12)),
    "everywhere-small": lambda: flexible(7, bids=500, pools=6, slots=168, options=(6, 6)),
    "islands": lambda: flexible(
        8, bids=30_000, pools=3_000, slots=24, slack=24, options=(1, 2), neighbourhoods=1_500, asks_per_pool=2
    ),
}
"""The books of the benchmarks by name; from "blocks" on, the hard families."""
