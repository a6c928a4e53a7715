"""Prices and sales of an allocation.

Every slot costs at least its floor. Where bids were refused or cut its price is lifted to its bound price,
which tells them that they were outbid; then each accepted bid that would pay more than its limit has the
lift of its own slots lowered in proportion. Lowering makes no other bid lose, so one pass suffices.
"""

import numpy as np
from numba import njit

from marketplace.clearing.book import Book
from marketplace.clearing.market import Grid, Market, State
from marketplace.clearing.result import Fills, Rejected, Sales


def publish(m: Market, s: State, bound_prices: Grid) -> tuple[Grid, Rejected]:
    """Prices that keep every promise, and the refused bids in the money at them."""
    prices = _prices(m, s, bound_prices)
    surplus = _lost_surplus(m, s, prices)
    bid = np.flatnonzero(surplus > 0)
    return prices, Rejected(bid, surplus[bid])


def fills(s: State) -> Fills:
    bid = np.flatnonzero(s.pool >= 0)
    return Fills(bid, s.pool[bid], s.start[bid], s.filled[bid])


def sales(book: Book, used: Grid) -> Sales:
    """Sell the used units in merit order: the cheapest ask first, of equal ones the earlier."""
    asks = book.asks
    order = np.lexsort((asks.placed, asks.price, asks.pool))
    ask, first, last, quantity = _sales(
        order, asks.pool[order], asks.first[order], asks.last[order], asks.quantity[order], used
    )
    by_row = np.lexsort((first, ask))
    return Sales(ask[by_row], first[by_row], last[by_row], quantity[by_row])


@njit(cache=True, nogil=True)
def _prices(m, s, bound_prices):  # type: ignore[no-untyped-def]
    pools, slots = s.used.shape
    wanted = _unmet(m, s)
    prices = np.zeros((pools, slots), np.int64)
    for k in range(pools):
        for t in range(slots):
            if s.used[k, t] > 0:
                lifted = bound_prices[k, t] if wanted[k, t] else min(bound_prices[k, t], s.next_reserve[k, t])
                prices[k, t] = max(s.floor[k, t], lifted)
            elif s.room[k, t] > 0:
                prices[k, t] = s.next_reserve[k, t]
    for b in range(len(m.quantity)):
        if s.pool[b] >= 0:
            _lower(prices, s.floor, s.pool[b], s.start[b], s.start[b] + m.duration[b], s.limit[b])
    return prices


@njit(cache=True, nogil=True)
def _unmet(m, s):  # type: ignore[no-untyped-def]
    """The slots of runs that refused or cut bids could pay, at the reserve of the next unit or else the last."""
    pools, slots = s.used.shape
    total = np.zeros((pools, slots + 1), np.int64)
    blocked = np.zeros((pools, slots + 1), np.int64)
    for k in range(pools):
        for t in range(slots):
            total[k, t + 1] = total[k, t] + (s.next_reserve[k, t] if s.room[k, t] > 0 else s.floor[k, t])
            blocked[k, t + 1] = blocked[k, t] + (s.used[k, t] + s.room[k, t] == 0)
    runs = np.zeros((pools, slots + 1), np.int64)
    for b in range(len(m.quantity)):
        if s.filled[b] == m.quantity[b]:
            continue
        d = m.duration[b]
        for o in range(m.option[b], m.option[b + 1]):
            k = m.pool[o]
            for t in range(m.earliest[b], m.latest[b] - d + 1):
                if blocked[k, t + d] == blocked[k, t] and total[k, t + d] - total[k, t] < m.limit[o] * d:
                    runs[k, t] += 1
                    runs[k, t + d] -= 1
    wanted = np.zeros((pools, slots), np.bool_)
    for k in range(pools):
        for t in range(slots):
            wanted[k, t] = runs[k, t] > 0
            runs[k, t + 1] += runs[k, t]
    return wanted


@njit(cache=True, nogil=True)
def _lower(prices, floor, k, start, end, limit):  # type: ignore[no-untyped-def]
    """Bring the sum of the prices in [start, end) down to the limit's, each by its share of the lift."""
    excess, lift = -limit * (end - start), 0
    for t in range(start, end):
        excess += prices[k, t]
        lift += prices[k, t] - floor[k, t]
    if excess <= 0:
        return
    rest = excess
    for t in range(start, end):
        own = prices[k, t] - floor[k, t]
        share = min(own, rest, np.int64(excess * (own / lift)))
        prices[k, t] -= share
        rest -= share
    for t in range(start, end):  # what rounding left
        share = min(prices[k, t] - floor[k, t], rest)
        prices[k, t] -= share
        rest -= share


@njit(cache=True, nogil=True)
def _lost_surplus(m, s, prices):  # type: ignore[no-untyped-def]
    """What each refused bid would have gained; a bundled one only if its partner would not lose."""
    pools, slots = prices.shape
    total = np.zeros((pools, slots + 1), np.int64)
    blocked = np.zeros((pools, slots + 1), np.int64)
    for k in range(pools):
        for t in range(slots):
            nothing = s.used[k, t] + s.room[k, t] == 0
            total[k, t + 1] = total[k, t] + prices[k, t]
            blocked[k, t + 1] = blocked[k, t] + nothing
    surplus = np.full(len(m.quantity), -1, np.int64)
    for b in range(len(m.quantity)):
        if s.pool[b] >= 0:
            continue
        d = m.duration[b]
        for o in range(m.option[b], m.option[b + 1]):
            k = m.pool[o]
            for t in range(m.earliest[b], m.latest[b] - d + 1):
                if blocked[k, t + d] == blocked[k, t]:
                    gain = m.limit[o] * d - total[k, t + d] + total[k, t]
                    surplus[b] = max(surplus[b], gain)
        surplus[b] *= m.quantity[b]
    own = surplus.copy()
    for b in range(len(m.quantity)):
        if m.partner[b] >= 0 and own[m.partner[b]] < 0:
            surplus[b] = -1
    return surplus


@njit(cache=True, nogil=True)
def _sales(row, pool, first, last, quantity, used):  # type: ignore[no-untyped-def]
    sold = np.zeros(used.shape, np.int64)
    runs = [(np.int64(0), np.int64(0), np.int64(0), np.int64(0)) for _ in range(0)]  # typed, and empty
    for i in range(len(row)):
        k = pool[i]
        units, begin = np.int64(0), first[i]
        for t in range(first[i], last[i]):
            now = min(quantity[i], used[k, t] - sold[k, t])
            sold[k, t] += now
            if now != units:
                if units > 0:
                    runs.append((row[i], begin, np.int64(t), units))
                units, begin = now, t
        if units > 0:
            runs.append((row[i], begin, last[i], units))
    columns = np.empty((4, len(runs)), np.int64)
    for i in range(len(runs)):
        for c in range(4):
            columns[c, i] = runs[i][c]
    return columns[0], columns[1], columns[2], columns[3]
