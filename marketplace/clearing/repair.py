"""The last pass: enforce priority, leave nothing on the table, cut nobody who could have more.

Each change raises the welfare, or keeps it and accepts more, or keeps both and accepts who came earlier; so
the passes end.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketplace.clearing.book import Book, Column
from marketplace.clearing.compiled import njit
from marketplace.clearing.construct import insert
from marketplace.clearing.market import (
    SOLD_OUT,
    Charge,
    Market,
    can_add,
    nobody_loses,
    place,
    remove,
    reserve_of,
)


def repair(book: Book, m: Market) -> int:
    """Change the state until the promises of priority and of nothing left hold; returns the welfare added."""
    units = queues(book)
    added = 0
    nothing, everywhere = np.zeros(m.cells.shape, np.int64), np.ones(book.pools, np.bool_)
    while True:
        swapped, gain = give_priority(*m, *units)
        more, inserted = sell_what_is_left(*m, nothing, everywhere)
        added += gain + more
        if not swapped and not inserted:
            return int(added)


def queues(book: Book) -> tuple[Column, Column, Column]:
    """Bids (or bundles) of one shape in one queue, the best first: first bids, second bids or -1, queue ends.

    Whoever outbids another of the queue, or equals it and came earlier, stands before it.
    """
    bids, options = book.bids, book.options
    worth = np.add.reduceat(np.append(options.price, 0), book.offsets[:-1]) if len(bids) else options.price
    pools = (
        np.add.reduceat(np.append(_mix(options.pool), np.uint64(0)), book.offsets[:-1])
        if len(bids)
        else options.pool.astype(np.uint64)
    )
    shape = pools
    for column in (bids.quantity, bids.minimum, bids.duration, bids.earliest, bids.latest):
        shape = _mix(shape ^ _mix(column))
    second = book.partner
    placed = bids.placed
    first = np.flatnonzero((second < 0) | (placed < placed[second]))
    second = second[first]
    tied = second >= 0
    key, came, bid = shape[first], placed[first].copy(), worth[first].copy()
    key[tied] = _mix(key[tied] + np.uint64(1)) ^ shape[second[tied]]
    came[tied] = placed[second[tied]]
    bid[tied] += worth[second[tied]]
    order = np.argsort(key, kind="stable")
    edges = np.flatnonzero(np.diff(key[order])) + 1
    sizes = np.diff(np.concatenate(([0], edges, [len(order)])))
    alone = np.repeat(sizes == 1, sizes)
    order = order[~alone]
    order = order[np.lexsort((came[order], -bid[order], key[order]))]
    ends = np.cumsum(sizes[sizes > 1])
    return first[order], second[order], ends.astype(np.int64)


def _mix(numbers: NDArray[Any]) -> NDArray[np.uint64]:
    """A 64-bit hash (splitmix64)."""
    x = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True, nogil=True)
def _precedes(bids, options, r, a):  # type: ignore[no-untyped-def]
    """Whether bid r has a's shape and bids at least as much in every pool."""
    if (
        bids[r].quantity != bids[a].quantity
        or bids[r].minimum != bids[a].minimum
        or bids[r].duration != bids[a].duration
        or bids[r].earliest != bids[a].earliest
        or bids[r].latest != bids[a].latest
    ):
        return False
    begin, other, count = (
        bids[r].first_option,
        bids[a].first_option,
        bids[r].last_option - bids[r].first_option,
    )
    if bids[a].last_option - other != count:
        return False
    for i in range(count):
        if (
            options[begin + i].pool != options[other + i].pool
            or options[begin + i].limit < options[other + i].limit
        ):
            return False
    return True


@njit(cache=True, nogil=True)
def _hand_over(bids, options, cells, levels, a, r):  # type: ignore[no-untyped-def]
    """Bid r, of a's shape, takes a's place; returns the welfare gained."""
    option, start, units = (
        bids[r].first_option + bids[a].option - bids[a].first_option,
        bids[a].start,
        bids[a].filled,
    )
    loss = remove(bids, options, cells, levels, a)
    return place(bids, options, cells, levels, r, option, start, units) - loss


@njit(cache=True, nogil=True)
def give_priority(bids, options, cells, levels, first, second, ends):  # type: ignore[no-untyped-def]
    """Let every rejected bid of a queue take the place of the last accepted one that it precedes."""
    swaps, gain, begin = 0, 0, 0
    for end in ends:
        last = end - 1
        for i in range(begin, end):
            r, r2 = first[i], second[i]
            if bids[r].pool >= 0:
                continue
            while last > i and bids[first[last]].pool < 0:
                last -= 1
            for j in range(last, i, -1):
                a, a2 = first[j], second[j]
                if (
                    bids[a].pool >= 0
                    and _precedes(bids, options, r, a)
                    and (r2 < 0 or _precedes(bids, options, r2, a2))
                ):
                    gain += _hand_over(bids, options, cells, levels, a, r)
                    if r2 >= 0:
                        gain += _hand_over(bids, options, cells, levels, a2, r2)
                    swaps += 1
                    break
        begin = end
    return swaps, gain


@njit(cache=True, nogil=True)
def sell_what_is_left(bids, options, cells, levels, nothing, allowed):  # type: ignore[no-untyped-def]
    """Insert every rejected bid that finds any place at all, and give the cut ones what is free."""
    gain, inserted = 0, 0
    for b in range(len(bids)):
        if bids[b].pool >= 0:
            more = _fill_up(bids, options, cells, levels, b)
            inserted += more > 0
            gain += max(0, more)
            continue
        more = insert(bids, options, cells, levels, Charge(nothing, False), allowed, b)
        if more < 0 and bids[b].partner < 0:
            more = _insert_anywhere(bids, options, cells, levels, b)
        elif more < 0 and bids[b].partner > b:
            more = _insert_bundle_anywhere(bids, options, cells, levels, b)
        if more >= 0:
            gain += more
            inserted += 1
    return gain, inserted


@njit(cache=True, nogil=True)
def _insert_bundle_anywhere(bids, options, cells, levels, b):  # type: ignore[no-untyped-def]
    one = _insert_anywhere(bids, options, cells, levels, b)
    if one < 0:
        return -1
    two = _insert_anywhere(bids, options, cells, levels, bids[b].partner)
    if two < 0:
        remove(bids, options, cells, levels, b)
        return -1
    return one + two


@njit(cache=True, nogil=True)
def _insert_anywhere(bids, options, cells, levels, b):  # type: ignore[no-untyped-def]
    """Insert a rejected bid, whole, at the first option and start that it affords and where nobody loses."""
    units, d = bids[b].quantity, bids[b].duration
    for o in range(bids[b].first_option, bids[b].last_option):
        k = options[o].pool
        floors, run = 0, 0
        for t in range(bids[b].earliest, bids[b].latest):
            floor = reserve_of(levels, cells[k, t], units)
            if floor == SOLD_OUT:
                floors, run = 0, 0
                continue
            floors += floor
            run += 1
            if run > d:
                floors -= reserve_of(levels, cells[k, t - d], units)
            if (
                run >= d
                and floors <= options[o].limit * d
                and nobody_loses(bids, options, cells, levels, k, t - d + 1, t + 1, units)
            ):
                return place(bids, options, cells, levels, b, o, t - d + 1, units)
    return -1


@njit(cache=True, nogil=True)
def _affords(bids, options, cells, levels, b, more):  # type: ignore[no-untyped-def]
    """Whether an accepted bid could have `more` units where it stands, and nobody lose."""
    k, start = bids[b].pool, bids[b].start
    end, most = start + bids[b].duration, bids[b].limit * bids[b].duration
    return can_add(bids, options, cells, levels, k, start, end, more, most)


@njit(cache=True, nogil=True)
def _fill_up(bids, options, cells, levels, b):  # type: ignore[no-untyped-def]
    """Give a cut bid as many more units as there are; returns the welfare added."""
    low, high = np.int64(0), bids[b].quantity - bids[b].filled + 1
    while high - low > 1:
        middle = (low + high) // 2
        if _affords(bids, options, cells, levels, b, middle):
            low = middle
        else:
            high = middle
    if low == 0:
        return 0
    option, start, filled = bids[b].option, bids[b].start, bids[b].filled
    loss = remove(bids, options, cells, levels, b)
    return place(bids, options, cells, levels, b, option, start, filled + low) - loss
