"""Insertion: the bids one by one, the most valuable first, each where it takes the least from the others.

A bid's value is its surplus at the bound prices over a power of its size, so that small bids, which are
easier to place late, do not crowd out large ones nor large ones starve many small. It goes where its slots
cost least, a slot costing the larger of its bound price (what others would pay for it) and its floor (what
it must pay).
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketplace.clearing.book import LARGEST_WORTH, Column
from marketplace.clearing.compiled import njit
from marketplace.clearing.market import (
    Charge,
    Grid,
    Market,
    cheapest_start,
    nobody_loses,
    place,
    remove,
)

SHARES = (1.0, 0.98, 0.96, 0.93, 0.88, 0.8)  # of the bound prices
POWERS = (0.0, 0.2, 0.4, 0.55)  # of the size
FIRST_POWER = 0.2


class Start(NamedTuple):
    """An admissible market, its welfare, and the prices and values of options that led to it."""

    market: Market
    welfare: int
    share: float
    pull: Grid
    values: NDArray[np.float64]


def construct(empty: Market, bound_prices: Grid, threads: int, *, marginal: bool) -> Start:
    """The best of some constructions: the share of the bound prices first, then the power of the size."""

    def attempt(share: float, power: float) -> Start:
        values = option_values(empty.bids, empty.options, bound_prices, power)
        order = np.argsort(-bid_values(empty.bids, values), kind="stable")
        return _insert_in(order, empty, bound_prices, share, values, marginal=marginal)

    def best(attempts: Iterable[Start]) -> Start:
        return max(attempts, key=lambda start: start.welfare)

    with ThreadPoolExecutor(threads) as pool:
        first = best(pool.map(lambda share: attempt(share, FIRST_POWER), SHARES))
        rest = [power for power in POWERS if power != FIRST_POWER]
        return best([first, *pool.map(lambda power: attempt(first.share, power), rest)])


def construct_in_order(empty: Market, bound_prices: Grid) -> Start:
    """First come, first served, as far as the promises allow: each bid in turn where it saves most."""
    values = option_values(empty.bids, empty.options, bound_prices, FIRST_POWER)
    start = _insert_in(np.arange(len(empty.bids)), empty, bound_prices, 0.0, values, marginal=False)
    return start._replace(pull=share_of(bound_prices, 1.0, empty))


def share_of(bound_prices: Grid, share: float, m: Market) -> Grid:
    """A share of the bound prices, cut where a bid's charge would not fit 64 bits."""
    size = int((m.bids["quantity"] * m.bids["duration"]).max(initial=1))
    pull: Grid = np.minimum(bound_prices * share, LARGEST_WORTH // size).astype(np.int64)
    return pull


def _insert_in(
    order: Column,
    empty: Market,
    bound_prices: Grid,
    share: float,
    values: NDArray[np.float64],
    *,
    marginal: bool,
) -> Start:
    """Insert in this order, at a share of the bound prices, then at none: what no one else would pay for."""
    m = empty._replace(bids=empty.bids.copy(), cells=empty.cells.copy())
    pull = share_of(bound_prices, share, m)
    everywhere = np.ones(len(m.cells), np.bool_)
    welfare = insert_all(*m, Charge(pull, marginal), everywhere, order)
    welfare += insert_all(*m, Charge(np.zeros_like(pull), marginal), everywhere, order)
    return Start(m, int(welfare), share, pull, values)


@njit(cache=True, nogil=True)
def option_values(bids, options, pull, power):  # type: ignore[no-untyped-def]
    """For each option the bid's largest surplus at the prices `pull` over (units x duration) ** power."""
    values = np.empty(len(options))
    slots = pull.shape[1]
    total = np.zeros((pull.shape[0], slots + 1), np.int64)
    for k in range(pull.shape[0]):
        for t in range(slots):
            total[k, t + 1] = total[k, t] + pull[k, t]
    for b in range(len(bids)):
        d = bids[b].duration
        for o in range(bids[b].first_option, bids[b].last_option):
            k = options[o].pool
            least = total[k, bids[b].earliest + d] - total[k, bids[b].earliest]
            for t in range(bids[b].earliest + 1, bids[b].latest - d + 1):
                least = min(least, total[k, t + d] - total[k, t])
            surplus = (options[o].limit * d - least) * bids[b].quantity
            values[o] = surplus / float(bids[b].quantity * d) ** power
    return values


@njit(cache=True, nogil=True)
def bid_values(bids, values):  # type: ignore[no-untyped-def]
    """For each bid the value of its best option; two bundled bids share their sum."""
    best = np.full(len(bids), -np.inf)
    for b in range(len(best)):
        for o in range(bids[b].first_option, bids[b].last_option):
            best[b] = max(best[b], values[o])
    shared = best.copy()
    for b in range(len(best)):
        if bids[b].partner >= 0:
            shared[b] = best[b] + best[bids[b].partner]
    return shared


@njit(cache=True, nogil=True)
def insert_all(bids, options, cells, levels, charge, allowed, order):  # type: ignore[no-untyped-def]
    welfare = 0
    for b in order:
        if bids[b].pool < 0:
            welfare += max(0, insert(bids, options, cells, levels, charge, allowed, b))
    return welfare


@njit(cache=True, nogil=True)
def insert(bids, options, cells, levels, charge, allowed, b):  # type: ignore[no-untyped-def]
    """Place a rejected bid, and its partner if it has one; returns the welfare added, or -1."""
    gain = _insert_one(bids, options, cells, levels, charge, allowed, b)
    if gain < 0 or bids[b].partner < 0:
        return gain
    more = _insert_one(bids, options, cells, levels, charge, allowed, bids[b].partner)
    if more < 0:
        remove(bids, options, cells, levels, b)
        return -1
    return gain + more


@njit(cache=True, nogil=True)
def _insert_one(bids, options, cells, levels, charge, allowed, b):  # type: ignore[no-untyped-def]
    units = bids[b].quantity
    o, start = best_place(bids, options, cells, levels, charge, allowed, b, units, True)
    if o < 0 and bids[b].minimum < units:
        low, high = bids[b].minimum, units  # the most units that find a place lie in [low, high)
        if best_place(bids, options, cells, levels, charge, allowed, b, low, False)[0] < 0:
            return -1
        while high - low > 1:
            middle = (low + high) // 2
            if best_place(bids, options, cells, levels, charge, allowed, b, middle, False)[0] >= 0:
                low = middle
            else:
                high = middle
        units = low
        o, start = best_place(bids, options, cells, levels, charge, allowed, b, units, True)
    if o < 0:
        return -1
    return place(bids, options, cells, levels, b, o, start, units)


@njit(cache=True, nogil=True)
def best_place(bids, options, cells, levels, charge, allowed, b, units, check):  # type: ignore[no-untyped-def]
    """The option and start of the largest surplus, at least 0, at which (if checked) nobody loses; or -1."""
    best, best_option, best_start = np.int64(-1), -1, -1
    d = bids[b].duration
    for o in range(bids[b].first_option, bids[b].last_option):
        k = options[o].pool
        if not allowed[k]:
            continue
        start, cost = cheapest_start(bids, options, cells, levels, charge, b, o, units)
        if start < 0 or options[o].limit * d * units - cost <= best:
            continue
        if not check or nobody_loses(bids, options, cells, levels, k, start, start + d, units):
            best, best_option, best_start = options[o].limit * d * units - cost, o, start
    return best_option, best_start
