"""First come, first served: what compute markets without an auction do, to compare with.

Each bid in the order placed takes, at the posted reserve prices, the option and start that leave it the
most, if they cost no more than its limit; a bid that may be cut tries again at half its units, down to its
minimum. A bundle comes when its second bid does.
"""

import numpy as np
from numba import njit

from marketplace.clearing.book import Book
from marketplace.clearing.market import empty_state, market, place, remove
from marketplace.clearing.prices import fills
from marketplace.clearing.result import Fills


def first_come_first_served(book: Book) -> tuple[int, Fills]:
    """The welfare reached and the fills."""
    m = market(book)
    s = empty_state(m)
    welfare = _serve(m, s, book.bids.placed, np.argsort(book.bids.placed, kind="stable"))
    return int(welfare), fills(s)


@njit(cache=True, nogil=True)
def _serve(m, s, placed, order):  # type: ignore[no-untyped-def]
    welfare = 0
    for b in order:
        partner = m.partner[b]
        if partner < 0:
            welfare += max(0, _buy(m, s, b))
        elif placed[partner] < placed[b]:
            gain = _buy(m, s, partner)
            if gain >= 0:
                more = _buy(m, s, b)
                if more >= 0:
                    welfare += gain + more
                else:
                    remove(m, s, partner)
    return welfare


@njit(cache=True, nogil=True)
def _buy(m, s, b):  # type: ignore[no-untyped-def]
    """Place a bid where it saves most; returns what it saves, -1 if it finds no place."""
    units = m.quantity[b]
    while units >= m.minimum[b]:
        gain, o, start = _best_buy(m, s, b, units)
        if gain >= 0:
            return place(m, s, b, o, start, units)
        if units == m.minimum[b]:
            return -1
        units = max(m.minimum[b], units // 2)
    return -1


@njit(cache=True, nogil=True)
def _best_buy(m, s, b, units):  # type: ignore[no-untyped-def]
    best, best_option, best_start = np.int64(-1), -1, -1
    d = m.duration[b]
    paid = np.zeros(m.latest[b] - m.earliest[b], np.int64)
    for o in range(m.option[b], m.option[b + 1]):
        k = m.pool[o]
        left, used, stairs = s.left[k], s.used[k], m.stairs[k]
        saved, run = units * m.limit[o] * d, 0
        for t in range(m.earliest[b], m.latest[b]):
            i = t - m.earliest[b]
            if left[t] < units:
                saved, run = units * m.limit[o] * d, 0
                continue
            paid[i] = _cost(units, used[t], m.level[stairs[t]], m.offered, m.reserve)
            saved -= paid[i]
            run += 1
            if run > d:
                saved += paid[i - d]
            if run >= d and saved > best:
                best, best_option, best_start = saved, o, t - d + 1
    return best, best_option, best_start


@njit(cache=True, nogil=True)
def _cost(units, used, level, offered, reserve):  # type: ignore[no-untyped-def]
    """The reserves of `units` more, which are left, of a staircase that begins at `level`."""
    cost = 0
    while units > 0:
        take = min(units, max(0, offered[level] - used))
        cost += take * reserve[level]
        used += take
        units -= take
        level += 1
    return cost
