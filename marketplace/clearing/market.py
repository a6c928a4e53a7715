"""A component as flat arrays for the compiled kernels, and the moves on it: place a bid, remove a bid.

The asks of a pool and slot are a staircase of levels: merged reserve prices with the units offered up to
each. Merit order makes the *floor* of a pool and slot, the reserve of its dearest sold unit, a function of
the units used, so a set of placements is admissible when it is feasible and every bid affords the floors of
its slots. Every kernel below keeps it so.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marketplace.clearing.book import Book, Column

Grid = NDArray[np.int64]  # shape (pools, slots)
SOLD_OUT = np.int64(2**62)  # the reserve of a unit that nobody offers


class Market(NamedTuple):
    """What does not change while a component is solved."""

    stairs: Grid  # which staircase a pool and slot has
    level: Column  # staircase s has the levels level[s] to level[s + 1]
    reserve: Column  # of each level, rising
    offered: Column  # units up to and with each level
    quantity: Column
    minimum: Column
    duration: Column
    earliest: Column
    latest: Column
    partner: Column
    option: Column  # bid b has the options option[b] to option[b + 1]
    pool: Column
    limit: Column
    longest: Column  # duration that a pool's bids have


class State(NamedTuple):
    """Where the accepted bids stand (pool -1: rejected), and what that leaves of each pool and slot."""

    pool: Column
    start: Column
    filled: Column
    option: Column  # the accepted one
    limit: Column  # and its limit price
    used: Grid
    left: Grid  # units not used
    room: Grid  # of these, on the level of the next unit
    next_reserve: Grid  # reserve of the next unit, SOLD_OUT where none is left
    floor: Grid  # reserve of the dearest sold unit, 0 where none is sold
    head: Grid  # the bids that start at a pool and slot, as linked lists
    after: Column
    before: Column


def market(book: Book) -> Market:
    asks, bids = book.asks, book.bids
    order = np.lexsort((asks.placed, asks.price, asks.pool))
    stairs, level, reserve, offered = _staircases(
        book.pools,
        book.slots,
        *(column[order] for column in (asks.pool, asks.first, asks.last, asks.quantity, asks.price)),
    )
    longest = np.zeros(book.pools, np.int64)
    np.maximum.at(longest, book.options.pool, bids.duration[book.options.bid])
    return Market(
        stairs,
        level,
        reserve,
        offered,
        bids.quantity,
        bids.minimum,
        bids.duration,
        bids.earliest,
        bids.latest,
        book.partner,
        book.offsets,
        book.options.pool,
        book.options.price,
        longest,
    )


def empty_state(m: Market) -> State:
    bids, shape = len(m.quantity), m.stairs.shape
    units, cells = np.zeros((4, bids), np.int64), np.zeros((5, *shape), np.int64)
    s = State(
        np.full(bids, -1, np.int64),
        units[0],
        units[1],
        units[2],
        units[3],
        cells[0],
        cells[1],
        cells[2],
        cells[3],
        cells[4],
        np.full(shape, -1, np.int64),
        np.full(bids, -1, np.int64),
        np.full(bids, -1, np.int64),
    )
    for k in range(shape[0]):
        _use(m, s, k, 0, shape[1], 0)
    return s


@njit(cache=True, nogil=True)
def _staircases(pools, slots, pool, first, last, quantity, price):  # type: ignore[no-untyped-def]
    """One staircase for each run of slots of a pool over which the same asks stand; asks come by reserve."""
    stairs = np.empty((pools, slots), np.int64)
    begin = np.searchsorted(pool, np.arange(pools + 1))
    size = 16
    level = [0]
    reserve = np.empty(size, np.int64)
    offered = np.empty(size, np.int64)
    count = 0
    for k in range(pools):
        edge = np.zeros(slots + 1, np.bool_)
        edge[0] = True
        for a in range(begin[k], begin[k + 1]):
            edge[first[a]] = True
            edge[last[a]] = True
        for t in range(slots):
            if edge[t]:
                total = 0
                for a in range(begin[k], begin[k + 1]):
                    if first[a] <= t < last[a]:
                        total += quantity[a]
                        if count > level[-1] and reserve[count - 1] == price[a]:
                            offered[count - 1] = total
                            continue
                        if count == size:
                            reserve = np.concatenate((reserve, np.empty(size, np.int64)))
                            offered = np.concatenate((offered, np.empty(size, np.int64)))
                            size *= 2
                        reserve[count] = price[a]
                        offered[count] = total
                        count += 1
                level.append(count)
            stairs[k, t] = len(level) - 2
    return stairs, np.array(level), reserve[:count].copy(), offered[:count].copy()


@njit(cache=True, nogil=True, inline="always")
def _dearest(units, t, left, room, next_reserve, used, stairs, level, offered, reserve):  # type: ignore[no-untyped-def]
    """Reserve of the dearest of `units` more in slot t, SOLD_OUT if so many are not left; takes a pool's rows.

    Rows and not the whole state: a compiled call counts the references of every array of a tuple it is given.
    """
    found = SOLD_OUT
    if units <= room[t]:
        found = next_reserve[t]
    elif units <= left[t]:
        need = used[t] + units
        i = level[stairs[t]]
        if level[stairs[t] + 1] - i > 16:
            i += np.searchsorted(offered[i : level[stairs[t] + 1]], need)
        else:
            while offered[i] < need:
                i += 1
        found = reserve[i]
    return found


@njit(cache=True, nogil=True)
def _use(m, s, k, start, end, units):  # type: ignore[no-untyped-def]
    """Use `units` more (or fewer) in the slots of [start, end); returns what their reserves come to."""
    left, room, next_reserve, used, stairs = s.left[k], s.room[k], s.next_reserve[k], s.used[k], m.stairs[k]
    level, offered, reserve, floor = m.level, m.offered, m.reserve, s.floor[k]
    cost = np.int64(0)
    for t in range(start, end):
        first, last = level[stairs[t]], level[stairs[t] + 1]
        low, high = used[t], used[t] + units
        if low > high:
            low, high = high, low
        i = first
        if last - first > 16:
            i += np.searchsorted(offered[first:last], low, side="right")
        else:
            while i < last and offered[i] <= low:
                i += 1
        at, reached = low, i
        while at < high:
            step = min(high, offered[reached]) - at
            cost += step * reserve[reached]
            at += step
            if at == offered[reached]:
                reached += 1
        now = used[t] + units
        used[t] = now
        i = reached if units >= 0 else i
        left[t] = offered[last - 1] - now if last > first else 0
        room[t] = offered[i] - now if i < last else 0
        next_reserve[t] = reserve[i] if i < last else SOLD_OUT
        if now == 0:
            floor[t] = 0
        elif i > first and offered[i - 1] == now:
            floor[t] = reserve[i - 1]
        else:
            floor[t] = reserve[i]
    return cost


@njit(cache=True, nogil=True)
def place(m, s, b, o, start, units):  # type: ignore[no-untyped-def]
    """Accept a bid; returns the welfare it adds."""
    k, d = m.pool[o], m.duration[b]
    cost = _use(m, s, k, start, start + d, units)
    s.pool[b], s.start[b], s.filled[b] = k, start, units
    s.option[b], s.limit[b] = o, m.limit[o]
    neighbour = s.head[k, start]
    s.after[b], s.before[b] = neighbour, -1
    if neighbour >= 0:
        s.before[neighbour] = b
    s.head[k, start] = b
    return units * m.limit[o] * d - cost


@njit(cache=True, nogil=True)
def remove(m, s, b):  # type: ignore[no-untyped-def]
    """Reject an accepted bid; returns the welfare it takes away."""
    k, d, start, units = s.pool[b], m.duration[b], s.start[b], s.filled[b]
    cost = _use(m, s, k, start, start + d, -units)
    if s.before[b] >= 0:
        s.after[s.before[b]] = s.after[b]
    else:
        s.head[k, start] = s.after[b]
    if s.after[b] >= 0:
        s.before[s.after[b]] = s.before[b]
    s.pool[b], s.filled[b] = -1, 0
    return units * s.limit[b] * d - cost


@njit(cache=True, nogil=True)
def nobody_loses(m, s, k, start, end, units):  # type: ignore[no-untyped-def]
    """Whether the accepted bids still afford their floors once `units` more are sold in [start, end)."""
    left, room, next_reserve, used, stairs = s.left[k], s.room[k], s.next_reserve[k], s.used[k], m.stairs[k]
    level, offered, reserve, floors = m.level, m.offered, m.reserve, s.floor[k]
    rises = False
    for t in range(start, end):
        if used[t] > 0:
            now = _dearest(units, t, left, room, next_reserve, used, stairs, level, offered, reserve)
            rises = rises or now > floors[t]
    if not rises:
        return True
    longest = m.longest[k]
    low = max(0, start - longest + 1)
    high = min(len(used), end + longest)
    total = np.zeros(high - low + 1, np.int64)
    for t in range(low, high):
        floor = floors[t]
        if start <= t < end:
            floor = _dearest(units, t, left, room, next_reserve, used, stairs, level, offered, reserve)
        total[t - low + 1] = total[t - low] + floor
    head, after, limit, duration = s.head[k], s.after, s.limit, m.duration
    for t in range(low, end):
        b = head[t]
        while b >= 0:
            d = duration[b]
            if t + d > start and total[t + d - low] - total[t - low] > limit[b] * d:
                return False
            b = after[b]
    return True


@njit(cache=True, nogil=True)
def cheapest_start(m, s, pull, b, o, units, low, high):  # type: ignore[no-untyped-def]
    """The start in [low, high - duration] at which the bid's slots cost least, or -1, and that cost a unit.

    A slot costs the larger of `pull` and the floor that holds with the bid; only starts count at which the
    units are left and the bid affords these floors.
    """
    k, d = m.pool[o], m.duration[b]
    left, room, next_reserve, used, stairs = s.left[k], s.room[k], s.next_reserve[k], s.used[k], m.stairs[k]
    level, offered, reserve, price = m.level, m.offered, m.reserve, pull[k]
    money = m.limit[o] * d
    best, best_start = SOLD_OUT, np.int64(-1)
    cost, floors = np.int64(0), np.int64(0)
    start, clear = low, low  # the slots of [start, clear) have the units, and are in cost and floors
    while start + d <= high:
        t = start + d - 1
        while t >= clear and left[t] >= units:
            t -= 1
        if t >= clear:
            start = clear = t + 1
            cost, floors = np.int64(0), np.int64(0)
            continue
        for t in range(clear, start + d):
            floor = _dearest(units, t, left, room, next_reserve, used, stairs, level, offered, reserve)
            cost += max(floor, price[t])
            floors += floor
        clear = start + d
        if cost < best and floors <= money:
            best, best_start = cost, start
        floor = _dearest(units, start, left, room, next_reserve, used, stairs, level, offered, reserve)
        cost -= max(floor, price[start])
        floors -= floor
        start += 1
    return best_start, best


@njit(cache=True, nogil=True)
def reserve_of(m, s, k, t, units):  # type: ignore[no-untyped-def]
    """Reserve of the dearest of `units` more, SOLD_OUT if so many are not left."""
    return _dearest(
        units,
        t,
        s.left[k],
        s.room[k],
        s.next_reserve[k],
        s.used[k],
        m.stairs[k],
        m.level,
        m.offered,
        m.reserve,
    )
