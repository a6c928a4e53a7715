"""Insertion: the bids one by one, the most valuable first, each where it takes the least from the others.

A bid's value is its surplus at the bound prices over a power of its size, so that small bids, which are
easier to place late, do not crowd out large ones nor large ones starve many small. It goes where its slots
cost least, a slot costing the larger of its bound price (what others would pay for it) and its floor (what
it must pay).
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marketplace.clearing.market import (
    Grid,
    Market,
    cheapest_start,
    nobody_loses,
    place,
    remove,
)

SIZE_POWER = 0.4


def construct(m: Market, bound_prices: Grid, values: NDArray[np.float64]) -> int:
    """Fill an empty state; returns the welfare. A second pass sells what no one else would pay for."""
    order = np.argsort(-bid_values(m.bids, values), kind="stable")
    allowed = np.ones(len(m.cells), np.bool_)
    welfare = insert_all(*m, bound_prices, allowed, order)
    return int(welfare + insert_all(*m, np.zeros_like(bound_prices), allowed, order))


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
def insert_all(bids, options, cells, levels, pull, allowed, order):  # type: ignore[no-untyped-def]
    welfare = 0
    for b in order:
        if bids[b].pool < 0:
            welfare += max(0, insert(bids, options, cells, levels, pull, allowed, b))
    return welfare


@njit(cache=True, nogil=True)
def insert(bids, options, cells, levels, pull, allowed, b):  # type: ignore[no-untyped-def]
    """Place a rejected bid, and its partner if it has one; returns the welfare added, or -1."""
    gain = _insert_one(bids, options, cells, levels, pull, allowed, b)
    if gain < 0 or bids[b].partner < 0:
        return gain
    more = _insert_one(bids, options, cells, levels, pull, allowed, bids[b].partner)
    if more < 0:
        remove(bids, options, cells, levels, b)
        return -1
    return gain + more


@njit(cache=True, nogil=True)
def _insert_one(bids, options, cells, levels, pull, allowed, b):  # type: ignore[no-untyped-def]
    units = bids[b].quantity
    o, start = best_place(bids, options, cells, levels, pull, allowed, b, units, True)
    if o < 0 and bids[b].minimum < units:
        low, high = bids[b].minimum, units  # the most units that find a place lie in [low, high)
        if best_place(bids, options, cells, levels, pull, allowed, b, low, False)[0] < 0:
            return -1
        while high - low > 1:
            middle = (low + high) // 2
            if best_place(bids, options, cells, levels, pull, allowed, b, middle, False)[0] >= 0:
                low = middle
            else:
                high = middle
        units = low
        o, start = best_place(bids, options, cells, levels, pull, allowed, b, units, True)
    if o < 0:
        return -1
    return place(bids, options, cells, levels, b, o, start, units)


@njit(cache=True, nogil=True)
def best_place(bids, options, cells, levels, pull, allowed, b, units, check):  # type: ignore[no-untyped-def]
    """The option and start of the largest surplus, at least 0, at which (if checked) nobody loses; or -1."""
    best, best_option, best_start = np.int64(-1), -1, -1
    d = bids[b].duration
    for o in range(bids[b].first_option, bids[b].last_option):
        k = options[o].pool
        if not allowed[k]:
            continue
        start, cost = cheapest_start(bids, options, cells, levels, pull, b, o, units)
        if start < 0 or options[o].limit * d - cost <= best:
            continue
        if not check or nobody_loses(bids, options, cells, levels, k, start, start + d, units):
            best, best_option, best_start = options[o].limit * d - cost, o, start
    return best_option, best_start
