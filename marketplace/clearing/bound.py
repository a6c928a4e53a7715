"""The certificate: prices that bound the welfare of every feasible result.

For any prices λ >= 0, one per pool and slot,

    U(λ) = Σ_bids max(0, max over options o and starts s of quantity·(limit_o·duration − Σ λ over its slots))
         + Σ_asks Σ_slots quantity·max(0, λ − reserve)

is at least the welfare of any feasible result: λ prices out "units filled <= units sold", and the terms are
what each bid and each ask would gain at these prices on its own. The least U is the optimum of the linear
relaxation, in which a bid may be split over options and starts. U is convex and piecewise linear.

`bound_prices` descends along subgradients (units sold less units filled), each coordinate scaled by the root
of the squares it has seen (AdaGrad: Duchi, Hazan and Singer, JMLR 12, 2011), in steps that shrink to nothing,
and keeps the best prices it meets. A step costs O(1) an option and O(slots·log slots) a pair of pool and
duration: the cheapest start in a window is a range minimum over the sliding sums of λ. All of it runs on one
thread and in one order, so the same book gives the same prices, bit by bit.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketplace.clearing.book import Book, Column
from marketplace.clearing.compiled import njit
from marketplace.clearing.starts import Starts, all_starts

Prices = NDArray[np.int64]

FIRST_STEP = 0.6  # of a price and its unit together
UNIT = 0.1  # of a pool's mean limit price
FEWEST, MOST = 60, 1000  # iterations
WORK = 40_000_000  # options looked at in all iterations together, between these limits
LARGEST_SUM = 2**62  # of the prices of a pool


class Replies(NamedTuple):
    """What each bid and ask needs to find its best reply to prices.

    Starts are looked at by group, one a pair of pool and duration: those of group g are the positions
    group_first[g] to group_first[g + 1] of `row` (the row of starts), `low` and `high` (first and last
    start). A group builds a sparse table of `group_depth` levels; where that is 1 it scans each window.
    """

    group_first: Column
    group_pool: Column
    group_duration: Column
    group_depth: Column
    depth: int  # the greatest
    row: NDArray[np.int32]
    low: NDArray[np.int32]
    high: NDArray[np.int32]
    offsets: Column  # bid b has the rows offsets[b] to offsets[b + 1]
    pool: Column
    worth: Column  # limit x duration
    units: Column
    duration: Column
    first_start: Column
    last_start: Column
    ask_pool: Column
    ask_first: Column
    ask_last: Column
    ask_quantity: Column
    ask_price: Column


def bound_prices(
    book: Book, starts: Starts | None = None, *, iterations: int | None = None
) -> tuple[Prices, int]:
    """Prices λ (pools x slots, whole ticks) and U(λ), exact; over all starts, or only over those given.

    `iterations` is at least 1; by default, what the size of the book affords.
    """
    if iterations is None:
        iterations = min(MOST, max(FEWEST, WORK // max(1, len(book.options))))
    replies = _replies(book, all_starts(book) if starts is None else starts)
    pool, limit = book.options.pool, book.options.price
    total = np.bincount(pool, limit, minlength=book.pools)
    unit = UNIT * total / np.maximum(np.bincount(pool, minlength=book.pools), 1)
    prices = _descend(replies, _floor(replies, book.pools, book.slots), unit, iterations)
    whole = np.rint(np.minimum(prices, LARGEST_SUM // book.slots)).astype(np.int64)
    return whole, _exact(replies, whole)


def bound_at(book: Book, prices: Prices, starts: Starts | None = None) -> int:
    """U at any prices (pools x slots, whole ticks, none negative)."""
    return _exact(_replies(book, all_starts(book) if starts is None else starts), prices)


def _exact(replies: Replies, prices: Prices) -> int:
    return int(_value(replies, prices, np.empty(prices.shape)))


def _replies(book: Book, starts: Starts) -> Replies:
    asks = book.asks
    pool, duration = book.options.pool[starts.option], book.bids.duration[starts.bid]
    group = pool * (book.slots + 1) + duration
    row = np.argsort(group, kind="stable")
    groups, first = np.unique(group[row], return_index=True)
    group_pool, group_duration = np.divmod(groups, book.slots + 1)
    low, high = starts.first[row], starts.last[row]
    group_depth = np.ones_like(groups)
    if len(groups):
        counts = high - low + 1
        depth = 1 + np.log2(np.maximum.reduceat(counts, first)).astype(np.int64)
        table = (depth - 1) * (book.slots - group_duration + 1) < np.add.reduceat(counts, first)
        group_depth[table] = depth[table]
    return Replies(
        group_first=np.append(first, len(row)),
        group_pool=group_pool,
        group_duration=group_duration,
        group_depth=group_depth,
        depth=int(group_depth.max(initial=1)),
        row=row.astype(np.int32),
        low=low.astype(np.int32),
        high=high.astype(np.int32),
        offsets=np.searchsorted(starts.bid, np.arange(len(book.bids) + 1)),
        pool=pool,
        worth=book.options.price[starts.option] * duration,
        units=starts.units,
        duration=duration,
        first_start=starts.first,
        last_start=starts.last,
        ask_pool=asks.pool,
        ask_first=asks.first,
        ask_last=asks.last,
        ask_quantity=asks.quantity,
        ask_price=asks.price,
    )


@njit(cache=True, nogil=True)
def _floor(replies, pools, slots):  # type: ignore[no-untyped-def]
    """What λ need not go below: the cheapest reserve or, where nothing is offered, what no bid would pay."""
    dearest = np.zeros(pools)
    for row in range(len(replies.pool)):
        pool = replies.pool[row]
        dearest[pool] = max(dearest[pool], replies.worth[row])
    floor = np.full((pools, slots), np.inf)
    for ask in range(len(replies.ask_pool)):
        pool = replies.ask_pool[ask]
        for t in range(replies.ask_first[ask], replies.ask_last[ask]):
            floor[pool, t] = min(floor[pool, t], replies.ask_price[ask])
    for pool in range(pools):
        for t in range(slots):
            if floor[pool, t] == np.inf:
                floor[pool, t] = dearest[pool]
    return floor


@njit(cache=True, nogil=True)
def _descend(replies, floor, unit, iterations):  # type: ignore[no-untyped-def]
    """The best prices met, in double precision."""
    pools, slots = floor.shape
    prices = floor.copy()
    best_prices = floor.copy()
    best = np.inf
    idle = np.empty((pools, slots))
    squares = np.zeros((pools, slots))
    for iteration in range(iterations):
        value = _value(replies, prices, idle)
        if value < best:
            best = value
            best_prices[:] = prices
        step = FIRST_STEP * (1.0 - iteration / iterations) ** 2
        for p in range(pools):
            for t in range(slots):
                if idle[p, t] != 0.0:
                    squares[p, t] += idle[p, t] ** 2
                    move = step * (unit[p] + prices[p, t]) * idle[p, t] / np.sqrt(squares[p, t])
                    prices[p, t] = max(floor[p, t], prices[p, t] - move)
    return best_prices


@njit(cache=True, nogil=True)
def _value(replies, prices, idle):  # type: ignore[no-untyped-def]
    """U, exact where the prices are integers; `idle` gets units sold less units filled."""
    pools, slots = prices.shape
    nothing = prices[0, 0] * 0
    sums = np.empty((pools, slots + 1), prices.dtype)
    for p in range(pools):
        sums[p, 0] = nothing
        for t in range(slots):
            sums[p, t + 1] = sums[p, t] + prices[p, t]
    cost = _cheapest(replies, sums)
    value = nothing
    change = np.zeros((pools, slots + 1))
    for bid in range(len(replies.offsets) - 1):
        best, chosen = nothing, -1
        for row in range(replies.offsets[bid], replies.offsets[bid + 1]):
            surplus = replies.worth[row] - cost[row]
            if surplus > 0 and surplus * replies.units[row] > best:
                best, chosen = surplus * replies.units[row], row
        if chosen >= 0:
            value += best
            pool, start, duration = (
                replies.pool[chosen],
                replies.first_start[chosen],
                replies.duration[chosen],
            )
            last = replies.last_start[chosen]
            while start < last and sums[pool, start + duration] - sums[pool, start] != cost[chosen]:
                start += 1
            change[pool, start] -= replies.units[chosen]
            change[pool, start + duration] += replies.units[chosen]
    for p in range(pools):
        units = 0.0
        for t in range(slots):
            units += change[p, t]
            idle[p, t] = units
    for ask in range(len(replies.ask_pool)):
        p = replies.ask_pool[ask]
        for t in range(replies.ask_first[ask], replies.ask_last[ask]):
            margin = prices[p, t] - replies.ask_price[ask]
            if margin > 0:
                value += replies.ask_quantity[ask] * margin
                idle[p, t] += replies.ask_quantity[ask]
    return value


@njit(cache=True, nogil=True)
def _cheapest(replies, sums):  # type: ignore[no-untyped-def]
    """For each row of starts the least sum of prices over the slots of any of them."""
    slots = sums.shape[1] - 1
    cost = np.empty(len(replies.row), sums.dtype)
    least = np.empty((max(1, replies.depth), slots), sums.dtype)
    for group in range(len(replies.group_pool)):
        pool, duration, depth = (
            replies.group_pool[group],
            replies.group_duration[group],
            replies.group_depth[group],
        )
        starts = slots - duration + 1
        for s in range(starts):
            least[0, s] = sums[pool, s + duration] - sums[pool, s]
        half = 1
        for level in range(1, depth):
            lower, upper = least[level - 1], least[level]
            for s in range(starts - 2 * half + 1):
                upper[s] = lower[s] if lower[s] < lower[s + half] else lower[s + half]
            half *= 2
        for position in range(replies.group_first[group], replies.group_first[group + 1]):
            low, high = replies.low[position], replies.high[position]
            best = least[0, low]
            if depth == 1:
                for s in range(low + 1, high + 1):
                    best = least[0, s] if least[0, s] < best else best
            else:
                level = 0
                while 2 << level <= high - low + 1:
                    level += 1
                best = min(least[level, low], least[level, high - (1 << level) + 1])
            cost[replies.row[position]] = best
    return cost
