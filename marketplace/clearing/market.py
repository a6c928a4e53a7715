"""A component as records for the compiled kernels, and the moves on it: place a bid, remove a bid.

The asks of a pool and slot are a staircase of levels: merged reserve prices with the units offered up to
each. Merit order makes the *floor* of a pool and slot, the reserve of its dearest sold unit, a function of
the units used, so a set of placements is admissible when it is feasible and every bid affords the floors of
its slots. Every kernel keeps it so. All take the four arrays of a `Market`, in its order.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketplace.clearing.book import Book
from marketplace.clearing.compiled import njit

Grid = NDArray[np.int64]  # shape (pools, slots)
SOLD_OUT = np.int64(2**62)  # the reserve of a unit that nobody offers
FEW = 16  # levels up to which a scan beats a bisection


def _record(names: str) -> np.dtype[Any]:
    return np.dtype([(name, np.int64) for name in names.split()])


BID = _record(
    "quantity minimum duration earliest latest partner first_option last_option"
    " pool start filled option limit"  # where it stands: pool is -1 while it is rejected
    " after before"  # its neighbours in the list of the bids that start in a cell
)
OPTION = _record("pool limit")
CELL = _record(
    "used left"  # units sold, and not
    " room next_reserve"  # units left on the level of the next unit, and its reserve or SOLD_OUT
    " floor"  # reserve of the dearest unit sold, 0 where none is
    " head"  # the first bid that starts here, or -1
    " first_level last_level"
)
LEVEL = _record("offered reserve")  # units up to and with this level, and its reserve


class Market(NamedTuple):
    bids: NDArray[Any]  # of BID
    options: NDArray[Any]  # of OPTION
    cells: NDArray[Any]  # of CELL, shape (pools, slots)
    levels: NDArray[Any]  # of LEVEL


def market(book: Book) -> Market:
    """The book with every bid rejected."""
    asks = book.asks
    bids, options = np.empty(len(book.bids), BID), np.empty(len(book.options), OPTION)
    for name in ("quantity", "minimum", "duration", "earliest", "latest"):
        bids[name] = getattr(book.bids, name)
    bids["partner"] = book.partner
    bids["first_option"], bids["last_option"] = book.offsets[:-1], book.offsets[1:]
    for name in ("start", "filled", "option", "limit"):
        bids[name] = 0
    for name in ("pool", "after", "before"):
        bids[name] = -1
    options["pool"], options["limit"] = book.options.pool, book.options.price
    order = np.lexsort((asks.placed, asks.price, asks.pool))
    columns = (asks.pool, asks.first, asks.last, asks.quantity, asks.price)
    cells = np.zeros((book.pools, book.slots), CELL)
    cells["head"] = -1
    offered, reserve = _staircases(cells, *(column[order] for column in columns))
    levels = np.empty(len(offered), LEVEL)
    levels["offered"], levels["reserve"] = offered, reserve
    for k in range(book.pools):
        _use(cells, levels, k, 0, book.slots, 0)
    return Market(bids, options, cells, levels)


@njit(cache=True, nogil=True)
def _staircases(cells, pool, first, last, quantity, price):  # type: ignore[no-untyped-def]
    """One staircase for each run of slots of a pool over which the same asks stand; asks come by reserve."""
    pools, slots = cells.shape
    begin = np.searchsorted(pool, np.arange(pools + 1))
    offered, reserve = np.empty(16, np.int64), np.empty(16, np.int64)
    count, bottom = 0, 0
    for k in range(pools):
        edge = np.zeros(slots + 1, np.bool_)
        edge[0] = True
        for a in range(begin[k], begin[k + 1]):
            edge[first[a]] = True
            edge[last[a]] = True
        for t in range(slots):
            if edge[t]:
                bottom, total = count, 0
                for a in range(begin[k], begin[k + 1]):
                    if not first[a] <= t < last[a]:
                        continue
                    total += quantity[a]
                    if count == bottom or reserve[count - 1] != price[a]:
                        if count == len(reserve):
                            reserve = np.concatenate((reserve, np.empty(count, np.int64)))
                            offered = np.concatenate((offered, np.empty(count, np.int64)))
                        count += 1
                    reserve[count - 1], offered[count - 1] = price[a], total
            cells[k, t].first_level, cells[k, t].last_level = bottom, count
    return offered[:count].copy(), reserve[:count].copy()


@njit(cache=True, nogil=True)
def _level(levels, cell, units):  # type: ignore[no-untyped-def]
    """The level of the unit that follows `units`, last_level if none does."""
    low, high = cell.first_level, cell.last_level
    while high - low > FEW:
        middle = (low + high) // 2
        if levels[middle].offered <= units:
            low = middle + 1
        else:
            high = middle
    while low < high and levels[low].offered <= units:
        low += 1
    return low


@njit(cache=True, nogil=True)
def reserve_of(levels, cell, units):  # type: ignore[no-untyped-def]
    """Reserve of the dearest of `units` more, SOLD_OUT if so many are not left."""
    if units <= cell.room:
        return cell.next_reserve
    if units > cell.left:
        return SOLD_OUT
    return levels[_level(levels, cell, cell.used + units - 1)].reserve


@njit(cache=True, nogil=True)
def cost_of(levels, cell, units):  # type: ignore[no-untyped-def]
    """What the reserves of `units` more, which are left, come to."""
    if units <= cell.room:
        return units * cell.next_reserve
    cost, at, end = np.int64(0), cell.used, cell.used + units
    i = _level(levels, cell, at)
    while at < end:
        step = min(end, levels[i].offered) - at
        cost += step * levels[i].reserve
        at += step
        i += 1
    return cost


@njit(cache=True, nogil=True)
def _use(cells, levels, k, start, end, units):  # type: ignore[no-untyped-def]
    """Use `units` more (or fewer) in the slots of [start, end); returns what their reserves come to."""
    cost = np.int64(0)
    for t in range(start, end):
        cell = cells[k, t]
        now = cell.used + units
        at, high = min(cell.used, now), max(cell.used, now)
        bottom = i = _level(levels, cell, at)
        while at < high:
            step = min(high, levels[i].offered) - at
            cost += step * levels[i].reserve
            at += step
            if at == levels[i].offered:
                i += 1
        i = bottom if units < 0 else i
        first, last = cell.first_level, cell.last_level
        cell.used = now
        cell.left = levels[last - 1].offered - now if last > first else 0
        cell.room = levels[i].offered - now if i < last else 0
        cell.next_reserve = levels[i].reserve if i < last else SOLD_OUT
        if now == 0:
            cell.floor = 0
        elif i > first and levels[i - 1].offered == now:
            cell.floor = levels[i - 1].reserve
        else:
            cell.floor = levels[i].reserve
    return cost


@njit(cache=True, nogil=True)
def place(bids, options, cells, levels, b, o, start, units):  # type: ignore[no-untyped-def]
    """Accept a bid; returns the welfare it adds."""
    bid, k = bids[b], options[o].pool
    cost = _use(cells, levels, k, start, start + bid.duration, units)
    bid.pool, bid.start, bid.filled, bid.option, bid.limit = k, start, units, o, options[o].limit
    bid.after, bid.before = cells[k, start].head, -1
    if bid.after >= 0:
        bids[bid.after].before = b
    cells[k, start].head = b
    return units * bid.limit * bid.duration - cost


@njit(cache=True, nogil=True)
def remove(bids, options, cells, levels, b):  # type: ignore[no-untyped-def]
    """Reject an accepted bid; returns the welfare it takes away."""
    bid = bids[b]
    cost = _use(cells, levels, bid.pool, bid.start, bid.start + bid.duration, -bid.filled)
    loss = bid.filled * bid.limit * bid.duration - cost
    if bid.before >= 0:
        bids[bid.before].after = bid.after
    else:
        cells[bid.pool, bid.start].head = bid.after
    if bid.after >= 0:
        bids[bid.after].before = bid.before
    bid.pool, bid.filled = -1, 0
    return loss


@njit(cache=True, nogil=True)
def nobody_loses(bids, options, cells, levels, k, start, end, units):  # type: ignore[no-untyped-def]
    """Whether the accepted bids still afford their floors once `units` more are sold in [start, end)."""
    rises = False
    for t in range(start, end):
        cell = cells[k, t]
        if cell.used > 0 and reserve_of(levels, cell, units) > cell.floor:
            rises = True
            break
    if not rises:
        return True
    slots = cells.shape[1]
    total = np.empty(slots + 1, np.int64)
    total[0] = 0
    for t in range(slots):
        floor = reserve_of(levels, cells[k, t], units) if start <= t < end else cells[k, t].floor
        total[t + 1] = total[t] + floor
    for t in range(end):
        b = cells[k, t].head
        while b >= 0:
            bid = bids[b]
            if t + bid.duration > start and total[t + bid.duration] - total[t] > bid.limit * bid.duration:
                return False
            b = bid.after
    return True


@njit(cache=True, nogil=True)
def can_add(bids, options, cells, levels, k, start, end, units, most):  # type: ignore[no-untyped-def]
    """Whether `units` more fit in [start, end): their floors come to `most` at most, and nobody loses."""
    floors = 0
    for t in range(start, end):
        floor = reserve_of(levels, cells[k, t], units)
        if floor == SOLD_OUT:
            return False
        floors += floor
    return floors <= most and nobody_loses(bids, options, cells, levels, k, start, end, units)


class Charge(NamedTuple):
    """What units are charged in a slot: `pull` each at least; all of them the floor they make, where it is
    `marginal`, or else each its own reserve.
    """

    pull: Grid
    marginal: bool


@njit(cache=True, nogil=True)
def _charged(levels, cell, units, floor, pull, marginal):  # type: ignore[no-untyped-def]
    if marginal or units <= cell.room:
        return units * max(floor, pull)
    return max(cost_of(levels, cell, units), units * pull)


@njit(cache=True, nogil=True)
def cheapest_start(bids, options, cells, levels, charge, b, o, units):  # type: ignore[no-untyped-def]
    """The start at which a bid's units are charged least by option o, or -1, and that charge.

    Only starts count at which the units are left and the bid affords the floors that hold with it.
    """
    d, high, k = bids[b].duration, bids[b].latest, options[o].pool
    money = options[o].limit * d
    best, best_start = SOLD_OUT, np.int64(-1)
    cost, floors = np.int64(0), np.int64(0)
    start = bids[b].earliest
    clear = start  # the slots of [start, clear) have the units, and are in cost and floors
    while start + d <= high:
        t = start + d - 1
        while t >= clear and cells[k, t].left >= units:
            t -= 1
        if t >= clear:
            start = clear = t + 1
            cost, floors = np.int64(0), np.int64(0)
            continue
        for t in range(clear, start + d):
            floor = reserve_of(levels, cells[k, t], units)
            cost += _charged(levels, cells[k, t], units, floor, charge.pull[k, t], charge.marginal)
            floors += floor
        clear = start + d
        if cost < best and floors <= money:
            best, best_start = cost, start
        floor = reserve_of(levels, cells[k, start], units)
        cost -= _charged(levels, cells[k, start], units, floor, charge.pull[k, start], charge.marginal)
        floors -= floor
        start += 1
    return best_start, best
