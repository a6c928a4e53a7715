"""Prices and sales of an allocation.

Every slot costs at least its floor. Where bids were refused or cut its price is lifted to its bound price,
which tells them that they were outbid; then each accepted bid that would pay more than its limit has the
lift of its own slots lowered in proportion. Lowering makes no other bid lose, so one pass suffices.
"""

import numpy as np

from marketplace.clearing.book import Asks, Column
from marketplace.clearing.compiled import njit
from marketplace.clearing.market import Grid, Market
from marketplace.clearing.result import Fills, Rejected, Sales


def publish(m: Market, bound_prices: Grid) -> tuple[Grid, Rejected]:
    """Prices that keep every promise, and the refused bids in the money at them."""
    prices = _prices(m.bids, m.options, m.cells, bound_prices)
    surplus = _lost_surplus(m.bids, m.options, m.cells, prices)
    bid = np.flatnonzero(surplus > 0)
    return prices, Rejected(bid, surplus[bid])


def fills(m: Market) -> Fills:
    bid = np.flatnonzero(m.bids["pool"] >= 0)
    return Fills(bid, *(m.bids[name][bid] for name in ("pool", "start", "filled")))


def sales(asks: Asks, used: Grid, order: Column) -> Sales:
    """Sell the used units to the asks in merit order, which `order` gives."""
    return Sales(*_sales(order, asks.pool, asks.first, asks.last, asks.quantity, used))


@njit(cache=True, nogil=True)
def _prices(bids, options, cells, bound_prices):  # type: ignore[no-untyped-def]
    pools, slots = cells.shape
    wanted = _unmet(bids, options, cells)
    prices = np.zeros((pools, slots), np.int64)
    for k in range(pools):
        for t in range(slots):
            if cells[k, t].used > 0:
                lifted = (
                    bound_prices[k, t] if wanted[k, t] else min(bound_prices[k, t], cells[k, t].next_reserve)
                )
                prices[k, t] = max(cells[k, t].floor, lifted)
            elif cells[k, t].room > 0:
                prices[k, t] = cells[k, t].next_reserve
    for b in range(len(bids)):
        if bids[b].pool >= 0:
            _lower(prices, cells, bids[b])
    return prices


@njit(cache=True, nogil=True)
def _unmet(bids, options, cells):  # type: ignore[no-untyped-def]
    """The slots of runs that refused or cut bids could pay, at the next unit's reserve or else the last's."""
    pools, slots = cells.shape
    total = np.zeros((pools, slots + 1), np.int64)
    blocked = np.zeros((pools, slots + 1), np.int64)
    for k in range(pools):
        for t in range(slots):
            total[k, t + 1] = total[k, t] + (
                cells[k, t].next_reserve if cells[k, t].room > 0 else cells[k, t].floor
            )
            blocked[k, t + 1] = blocked[k, t] + (cells[k, t].used + cells[k, t].room == 0)
    runs = np.zeros((pools, slots + 1), np.int64)
    for b in range(len(bids)):
        if bids[b].filled == bids[b].quantity:
            continue
        d = bids[b].duration
        for o in range(bids[b].first_option, bids[b].last_option):
            k = options[o].pool
            for t in range(bids[b].earliest, bids[b].latest - d + 1):
                if (
                    blocked[k, t + d] == blocked[k, t]
                    and total[k, t + d] - total[k, t] < options[o].limit * d
                ):
                    runs[k, t] += 1
                    runs[k, t + d] -= 1
    wanted = np.zeros((pools, slots), np.bool_)
    for k in range(pools):
        for t in range(slots):
            wanted[k, t] = runs[k, t] > 0
            runs[k, t + 1] += runs[k, t]
    return wanted


@njit(cache=True, nogil=True)
def _lower(prices, cells, bid):  # type: ignore[no-untyped-def]
    """Bring the sum of the prices in [start, end) down to the limit's, each by its share of the lift."""
    k, start, end = bid.pool, bid.start, bid.start + bid.duration
    excess, lift = -bid.limit * bid.duration, np.int64(0)
    for t in range(start, end):
        excess += prices[k, t]
        lift += prices[k, t] - cells[k, t].floor
    if excess <= 0:
        return
    rest = excess
    for t in range(start, end):
        own = prices[k, t] - cells[k, t].floor
        share = min(own, rest, np.int64(excess * (own / lift)))
        prices[k, t] -= share
        rest -= share
    for t in range(start, end):  # what rounding left
        share = min(prices[k, t] - cells[k, t].floor, rest)
        prices[k, t] -= share
        rest -= share


@njit(cache=True, nogil=True)
def _lost_surplus(bids, options, cells, prices):  # type: ignore[no-untyped-def]
    """What each refused bid would have gained; a bundled one only if its partner would not lose."""
    pools, slots = prices.shape
    total = np.zeros((pools, slots + 1), np.int64)
    blocked = np.zeros((pools, slots + 1), np.int64)
    for k in range(pools):
        for t in range(slots):
            nothing = cells[k, t].used + cells[k, t].room == 0
            total[k, t + 1] = total[k, t] + prices[k, t]
            blocked[k, t + 1] = blocked[k, t] + nothing
    surplus = np.full(len(bids), -1, np.int64)
    for b in range(len(bids)):
        if bids[b].pool >= 0:
            continue
        d = bids[b].duration
        for o in range(bids[b].first_option, bids[b].last_option):
            k = options[o].pool
            for t in range(bids[b].earliest, bids[b].latest - d + 1):
                if blocked[k, t + d] == blocked[k, t]:
                    gain = options[o].limit * d - total[k, t + d] + total[k, t]
                    surplus[b] = max(surplus[b], gain)
        surplus[b] *= bids[b].quantity
    own = surplus.copy()
    for b in range(len(bids)):
        if bids[b].partner >= 0 and own[bids[b].partner] < 0:
            surplus[b] = -1
    return surplus


@njit(cache=True, nogil=True)
def _sales(order, pool, first, last, quantity, used):  # type: ignore[no-untyped-def]
    """The columns of the sales, by ask and slot."""
    sold = np.zeros(used.shape, np.int64)
    runs = [(np.int64(0), np.int64(0), np.int64(0), np.int64(0)) for _ in range(0)]  # typed, and empty
    place = np.zeros(len(pool) + 1, np.int64)  # where the sales of each ask begin
    for a in order:
        k = pool[a]
        units, begin = np.int64(0), first[a]
        for t in range(first[a], last[a]):
            now = min(quantity[a], used[k, t] - sold[k, t])
            sold[k, t] += now
            if now != units:
                if units > 0:
                    runs.append((a, begin, np.int64(t), units))
                units, begin = now, t
        if units > 0:
            runs.append((a, begin, last[a], units))
    for run in runs:
        place[run[0] + 1] += 1
    place = np.cumsum(place)
    columns = np.empty((4, len(runs)), np.int64)
    for run in runs:
        for c in range(4):
            columns[c, place[run[0]]] = run[c]
        place[run[0]] += 1
    return columns[0], columns[1], columns[2], columns[3]
