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
    room: Grid  # units left on the level of the next unit
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
    units, cells = np.zeros((4, bids), np.int64), np.zeros((4, *shape), np.int64)
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
        np.full(shape, -1, np.int64),
        np.full(bids, -1, np.int64),
        np.full(bids, -1, np.int64),
    )
    refresh(m, s)
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
def _look(m, s, k, t):  # type: ignore[no-untyped-def]
    """Bring room, next reserve and floor of a pool and slot in line with the units used."""
    stair = m.stairs[k, t]
    used = s.used[k, t]
    begin, end = m.level[stair], m.level[stair + 1]
    i = begin
    if end - begin > 16:
        i += np.searchsorted(m.offered[begin:end], used, side="right")
    else:
        while i < end and m.offered[i] <= used:
            i += 1
    if i == end:
        s.room[k, t] = 0
        s.next_reserve[k, t] = SOLD_OUT
    else:
        s.room[k, t] = m.offered[i] - used
        s.next_reserve[k, t] = m.reserve[i]
    if used == 0:
        s.floor[k, t] = 0
    elif i > begin and m.offered[i - 1] == used:
        s.floor[k, t] = m.reserve[i - 1]
    else:
        s.floor[k, t] = m.reserve[i]


@njit(cache=True, nogil=True)
def refresh(m, s):  # type: ignore[no-untyped-def]
    for k in range(s.used.shape[0]):
        for t in range(s.used.shape[1]):
            _look(m, s, k, t)


@njit(cache=True, nogil=True)
def reserve_of(m, s, k, t, units):  # type: ignore[no-untyped-def]
    """Reserve of the dearest of `units` more, SOLD_OUT if so many are not left."""
    if units <= s.room[k, t]:
        return s.next_reserve[k, t]
    stair = m.stairs[k, t]
    end = m.level[stair + 1]
    need = s.used[k, t] + units
    i = m.level[stair]
    if end - i > 16:
        i += np.searchsorted(m.offered[i:end], need)
    else:
        while i < end and m.offered[i] < need:
            i += 1
    return SOLD_OUT if i == end else m.reserve[i]


@njit(cache=True, nogil=True)
def cost_of(m, s, k, t, units):  # type: ignore[no-untyped-def]
    """Reserve prices of `units` more, which must be left."""
    if units <= s.room[k, t]:
        return units * s.next_reserve[k, t]
    stair = m.stairs[k, t]
    i = m.level[stair]
    used = s.used[k, t]
    i += np.searchsorted(m.offered[i : m.level[stair + 1]], used, side="right")
    cost = 0
    while units > 0:
        take = min(units, m.offered[i] - used)
        cost += take * m.reserve[i]
        used += take
        units -= take
        i += 1
    return cost


@njit(cache=True, nogil=True)
def place(m, s, b, o, start, units):  # type: ignore[no-untyped-def]
    """Accept a bid; returns the welfare it adds."""
    k = m.pool[o]
    gain = units * m.limit[o] * m.duration[b]
    for t in range(start, start + m.duration[b]):
        gain -= cost_of(m, s, k, t, units)
        s.used[k, t] += units
        _look(m, s, k, t)
    s.pool[b], s.start[b], s.filled[b] = k, start, units
    s.option[b], s.limit[b] = o, m.limit[o]
    neighbour = s.head[k, start]
    s.after[b], s.before[b] = neighbour, -1
    if neighbour >= 0:
        s.before[neighbour] = b
    s.head[k, start] = b
    return gain


@njit(cache=True, nogil=True)
def remove(m, s, b):  # type: ignore[no-untyped-def]
    """Reject an accepted bid; returns the welfare it takes away."""
    k, start, units = s.pool[b], s.start[b], s.filled[b]
    loss = units * s.limit[b] * m.duration[b]
    for t in range(start, start + m.duration[b]):
        s.used[k, t] -= units
        _look(m, s, k, t)
        loss -= cost_of(m, s, k, t, units)
    if s.before[b] >= 0:
        s.after[s.before[b]] = s.after[b]
    else:
        s.head[k, start] = s.after[b]
    if s.after[b] >= 0:
        s.before[s.after[b]] = s.before[b]
    s.pool[b], s.filled[b] = -1, 0
    return loss


@njit(cache=True, nogil=True)
def nobody_loses(m, s, k, start, end, units):  # type: ignore[no-untyped-def]
    """Whether the accepted bids still afford their floors once `units` more are sold in [start, end)."""
    rises = False
    for t in range(start, end):
        if s.used[k, t] > 0 and reserve_of(m, s, k, t, units) > s.floor[k, t]:
            rises = True
            break
    if not rises:
        return True
    slots, longest = s.used.shape[1], m.longest[k]
    low = max(0, start - longest + 1)
    high = min(slots, end + longest)
    total = np.zeros(high - low + 1, np.int64)
    for t in range(low, high):
        floor = reserve_of(m, s, k, t, units) if start <= t < end else s.floor[k, t]
        total[t - low + 1] = total[t - low] + floor
    for t in range(low, end):
        b = s.head[k, t]
        while b >= 0:
            d = m.duration[b]
            if t + d > start and total[t + d - low] - total[t - low] > s.limit[b] * d:
                return False
            b = s.after[b]
    return True


@njit(cache=True, nogil=True)
def cheapest_start(m, s, pull, b, o, units, low, high):  # type: ignore[no-untyped-def]
    """The start in [low, high - duration] at which the bid's slots cost least, or -1, and that cost a unit.

    A slot costs the larger of `pull` and the floor that holds with the bid; only starts count at which the
    units are left and the bid affords these floors.
    """
    k, d = m.pool[o], m.duration[b]
    money = m.limit[o] * d
    best, best_start = SOLD_OUT, np.int64(-1)
    cost, floors, run = np.int64(0), np.int64(0), 0
    for t in range(low, high):
        floor = reserve_of(m, s, k, t, units)
        if floor == SOLD_OUT:
            if t + d >= high:
                break
            cost, floors, run = np.int64(0), np.int64(0), 0
            continue
        cost += max(floor, pull[k, t])
        floors += floor
        run += 1
        if run > d:
            leaving = reserve_of(m, s, k, t - d, units)
            cost -= max(leaving, pull[k, t - d])
            floors -= leaving
        if run >= d and cost < best and floors <= money:
            best, best_start = cost, t - d + 1
    return best_start, best
