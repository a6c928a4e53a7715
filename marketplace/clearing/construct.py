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
    State,
    cheapest_start,
    nobody_loses,
    place,
    remove,
)

SIZE_POWER = 0.4


def construct(m: Market, s: State, bound_prices: Grid, values: NDArray[np.float64]) -> int:
    """Fill an empty state; returns the welfare. A second pass sells what no one else would pay for."""
    order = np.argsort(-bid_values(m, values), kind="stable")
    allowed = np.ones(m.stairs.shape[0], np.bool_)
    welfare = insert_all(m, s, bound_prices, allowed, order)
    return int(welfare + insert_all(m, s, np.zeros_like(bound_prices), allowed, order))


@njit(cache=True, nogil=True)
def option_values(m, pull, power):  # type: ignore[no-untyped-def]
    """For each option the bid's largest surplus at the prices `pull` over (units x duration) ** power."""
    values = np.empty(len(m.pool))
    slots = pull.shape[1]
    total = np.zeros((pull.shape[0], slots + 1), np.int64)
    for k in range(pull.shape[0]):
        for t in range(slots):
            total[k, t + 1] = total[k, t] + pull[k, t]
    for b in range(len(m.quantity)):
        d = m.duration[b]
        for o in range(m.option[b], m.option[b + 1]):
            k = m.pool[o]
            least = total[k, m.earliest[b] + d] - total[k, m.earliest[b]]
            for t in range(m.earliest[b] + 1, m.latest[b] - d + 1):
                least = min(least, total[k, t + d] - total[k, t])
            surplus = (m.limit[o] * d - least) * m.quantity[b]
            values[o] = surplus / float(m.quantity[b] * d) ** power
    return values


@njit(cache=True, nogil=True)
def bid_values(m, values):  # type: ignore[no-untyped-def]
    """For each bid the value of its best option; two bundled bids share their sum."""
    best = np.full(len(m.quantity), -np.inf)
    for b in range(len(best)):
        for o in range(m.option[b], m.option[b + 1]):
            best[b] = max(best[b], values[o])
    shared = best.copy()
    for b in range(len(best)):
        if m.partner[b] >= 0:
            shared[b] = best[b] + best[m.partner[b]]
    return shared


@njit(cache=True, nogil=True)
def insert_all(m, s, pull, allowed, order):  # type: ignore[no-untyped-def]
    welfare = 0
    for b in order:
        if s.pool[b] < 0:
            welfare += max(0, insert(m, s, pull, allowed, b))
    return welfare


@njit(cache=True, nogil=True)
def insert(m, s, pull, allowed, b):  # type: ignore[no-untyped-def]
    """Place a rejected bid, and its partner if it has one; returns the welfare added, or -1."""
    gain = _insert_one(m, s, pull, allowed, b)
    if gain < 0 or m.partner[b] < 0:
        return gain
    more = _insert_one(m, s, pull, allowed, m.partner[b])
    if more < 0:
        remove(m, s, b)
        return -1
    return gain + more


@njit(cache=True, nogil=True)
def _insert_one(m, s, pull, allowed, b):  # type: ignore[no-untyped-def]
    units = m.quantity[b]
    o, start = best_place(m, s, pull, allowed, b, units, True)
    if o < 0 and m.minimum[b] < units:
        low, high = m.minimum[b], units  # the most units that find a place lie in [low, high)
        if best_place(m, s, pull, allowed, b, low, False)[0] < 0:
            return -1
        while high - low > 1:
            middle = (low + high) // 2
            if best_place(m, s, pull, allowed, b, middle, False)[0] >= 0:
                low = middle
            else:
                high = middle
        units = low
        o, start = best_place(m, s, pull, allowed, b, units, True)
    if o < 0:
        return -1
    return place(m, s, b, o, start, units)


@njit(cache=True, nogil=True)
def best_place(m, s, pull, allowed, b, units, check):  # type: ignore[no-untyped-def]
    """The option and start of the largest surplus, at least 0, at which (if checked) nobody loses; or -1."""
    best, best_option, best_start = np.int64(-1), -1, -1
    d = m.duration[b]
    for o in range(m.option[b], m.option[b + 1]):
        k = m.pool[o]
        if not allowed[k]:
            continue
        start, cost = cheapest_start(m, s, pull, b, o, units, m.earliest[b], m.latest[b])
        if start < 0 or m.limit[o] * d - cost <= best:
            continue
        if not check or nobody_loses(m, s, k, start, start + d, units):
            best, best_option, best_start = m.limit[o] * d - cost, o, start
    return best_option, best_start
