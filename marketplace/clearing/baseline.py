"""First come, first served: what compute markets without an auction do, to compare with.

Each bid in the order placed takes, at the posted reserve prices, the option and start that leave it the
most, if they cost no more than its limit; a bid that may be cut tries again at half its units, down to its
minimum. A bundle comes when its second bid does.
"""

import numpy as np

from marketplace.clearing.book import Book
from marketplace.clearing.compiled import njit
from marketplace.clearing.market import market, place, remove
from marketplace.clearing.prices import fills
from marketplace.clearing.result import Fills


def first_come_first_served(book: Book) -> tuple[int, Fills]:
    """The welfare reached and the fills."""
    m = market(book)
    welfare = _serve(*m, book.bids.placed, np.argsort(book.bids.placed, kind="stable"))
    return int(welfare), fills(m)


@njit(cache=True, nogil=True)
def _serve(bids, options, cells, levels, placed, order):  # type: ignore[no-untyped-def]
    welfare = 0
    for b in order:
        partner = bids[b].partner
        if partner < 0:
            welfare += max(0, _buy(bids, options, cells, levels, b))
        elif placed[partner] < placed[b]:
            gain = _buy(bids, options, cells, levels, partner)
            if gain >= 0:
                more = _buy(bids, options, cells, levels, b)
                if more >= 0:
                    welfare += gain + more
                else:
                    remove(bids, options, cells, levels, partner)
    return welfare


@njit(cache=True, nogil=True)
def _buy(bids, options, cells, levels, b):  # type: ignore[no-untyped-def]
    """Place a bid where it saves most; returns what it saves, -1 if it finds no place."""
    units = bids[b].quantity
    while units >= bids[b].minimum:
        gain, o, start = _best_buy(bids, options, cells, levels, b, units)
        if gain >= 0:
            return place(bids, options, cells, levels, b, o, start, units)
        if units == bids[b].minimum:
            return -1
        units = max(bids[b].minimum, units // 2)
    return -1


@njit(cache=True, nogil=True)
def _best_buy(bids, options, cells, levels, b, units):  # type: ignore[no-untyped-def]
    best, best_option, best_start = np.int64(-1), -1, -1
    d = bids[b].duration
    paid = np.zeros(bids[b].latest - bids[b].earliest, np.int64)
    for o in range(bids[b].first_option, bids[b].last_option):
        k = options[o].pool
        saved, run = units * options[o].limit * d, 0
        for t in range(bids[b].earliest, bids[b].latest):
            i = t - bids[b].earliest
            if cells[k, t].left < units:
                saved, run = units * options[o].limit * d, 0
                continue
            paid[i] = _cost(levels, units, cells[k, t].used, cells[k, t].first_level)
            saved -= paid[i]
            run += 1
            if run > d:
                saved += paid[i - d]
            if run >= d and saved > best:
                best, best_option, best_start = saved, o, t - d + 1
    return best, best_option, best_start


@njit(cache=True, nogil=True)
def _cost(levels, units, used, level):  # type: ignore[no-untyped-def]
    """The reserves of `units` more, which are left, of a staircase that begins at `level`."""
    cost = 0
    while units > 0:
        take = min(units, max(0, levels[level].offered - used))
        cost += take * levels[level].reserve
        used += take
        units -= take
        level += 1
    return cost
