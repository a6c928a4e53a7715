"""Destroy and repair: reject some neighbouring bids, insert them and the best refused ones anew, keep what is
better.

A neighbourhood is a pool and a window of slots. A large component is searched by several workers at a time,
each on pools of its own that are dealt anew every round; who works on what depends on the seed alone, never
on the number of threads. (Large neighbourhood search: Shaw, CP 1998.)
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketplace.clearing.book import Column
from marketplace.clearing.compiled import njit
from marketplace.clearing.construct import bid_values, insert
from marketplace.clearing.market import (
    Charge,
    Grid,
    Market,
    can_add,
    place,
    remove,
)

ROUNDS = 8
POOLS_A_WORKER = 10
MOST_WORKERS = 16
MOST_REMOVED = 24  # bids rejected at a time
NOISE = 0.6


class Ground(NamedTuple):
    """What a worker searches: its pools and bids, with the options of each pool, the most valuable first."""

    bid_of: Column  # of each option
    by_pool: Column  # options: those of pool k are the rows begin[k] to begin[k + 1]
    begin: Column
    value: NDArray[np.float64]  # of each bid
    mine: NDArray[np.bool_]  # pools
    owned: NDArray[np.bool_]  # bids


class Scratch(NamedTuple):
    rng: NDArray[np.uint64]
    here: Column  # bids that stand in a window
    removed: NDArray[np.int64]  # rows of bid, option, start, units
    candidates: Column  # bids to insert


def improve(
    m: Market,
    pull: Grid,
    values: NDArray[np.float64],
    *,
    neighbourhoods: int,
    seed: int,
    threads: int,
) -> int:
    """Search `neighbourhoods` from an admissible state; returns the welfare added."""
    pools = len(pull)
    workers = max(1, min(MOST_WORKERS, pools // POOLS_A_WORKER))
    rounds = ROUNDS if workers > 1 else 1
    bid = np.repeat(np.arange(len(m.bids)), m.bids["last_option"] - m.bids["first_option"])
    by_pool = np.lexsort((-values, m.options["pool"]))
    begin = np.searchsorted(m.options["pool"][by_pool], np.arange(pools + 1))
    value = bid_values(m.bids, values)
    rng = np.random.default_rng(seed)
    added = 0
    tries = neighbourhoods // (rounds * workers)
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(rounds):
            deal = rng.permutation(pools) % workers
            salt, *seeds = rng.integers(1, 2**62, workers + 1).tolist()
            owner = _owners(m.bids, m.options, deal, salt)
            tasks = [
                pool.submit(
                    _search,
                    *m,
                    pull,
                    Ground(bid, by_pool, begin, value, deal == w, owner == w),
                    seeds[w],
                    tries,
                )
                for w in range(workers)
            ]
            added += sum(task.result() for task in tasks)
    return int(added)


@njit(cache=True, nogil=True, inline="always")
def _draw(rng, n):  # type: ignore[no-untyped-def]
    """A number below n (xorshift)."""
    x = rng[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    rng[0] = x
    return np.int64((x >> np.uint64(11)) % np.uint64(n))


@njit(cache=True, nogil=True)
def _owners(bids, options, deal, salt):  # type: ignore[no-untyped-def]
    """Whose each bid is in a round: the worker's that has its pool or, if rejected, one of its pools drawn.

    A bundle accepted in the pools of two workers is nobody's.
    """
    owner = np.empty(len(bids), np.int64)
    for b in range(len(bids)):
        first = min(b, bids[b].partner) if bids[b].partner >= 0 else b
        k = bids[first].pool
        if k < 0:
            count = bids[first].last_option - bids[first].first_option
            k = options[bids[first].first_option + ((first + 1) * 0x2545F491 + salt) % 1000003 % count].pool
        owner[b] = deal[k]
        if bids[first].pool >= 0 and bids[first].partner >= 0:
            owner[b] = deal[k] if deal[bids[bids[first].partner].pool] == deal[k] else -1
    return owner


@njit(cache=True, nogil=True)
def _search(bids, options, cells, levels, pull, ground, seed, tries):  # type: ignore[no-untyped-def]
    """Make `tries` moves on the ground, undoing those that lose welfare."""
    rng = np.array([seed], np.uint64)
    pools = np.flatnonzero(ground.mine)
    scratch = Scratch(
        rng,
        np.empty(len(bids), np.int64),
        np.empty((2 * MOST_REMOVED + 2, 4), np.int64),
        np.empty(8 * MOST_REMOVED, np.int64),
    )
    nothing = np.zeros_like(pull)
    added = 0
    for _ in range(tries):
        k = pools[_draw(rng, len(pools))]
        if _draw(rng, 2) == 0 or ground.begin[k] == ground.begin[k + 1]:
            change, n, gone, first, last = _clear_window(bids, options, cells, levels, ground, scratch, k)
        else:
            change, n, gone, first, last = _give_place(bids, options, cells, levels, ground, scratch, k)
        if first == last:
            continue
        n = _call_refused(bids, ground, scratch, k, first, last, n, gone)
        order = _by_value(ground, scratch, n)
        for prices in (pull, nothing):
            charge = Charge(prices, _draw(rng, 2) == 0)
            for b in order:
                if bids[b].pool < 0:
                    change += max(0, insert(bids, options, cells, levels, charge, ground.mine, b))
        if change >= 0:
            added += change
        else:
            _undo(bids, options, cells, levels, scratch, n, gone)
    return added


@njit(cache=True, nogil=True)
def _clear_window(bids, options, cells, levels, ground, scratch, k):  # type: ignore[no-untyped-def]
    """Reject some bids of pool k and a window of slots.

    Returns the change of the welfare, how many are candidates and how many noted as removed, and the slots
    [first, last) concerned, none if there is nothing to do.
    """
    rng, slots = scratch.rng, cells.shape[1]
    change, n, gone = 0, 0, 0
    first = _draw(rng, slots)
    last = min(slots, first + 1 + _draw(rng, 12))
    count = _standing(bids, cells, ground.owned, k, first, last, scratch.here)
    for _ in range(min(1 + _draw(rng, MOST_REMOVED), count)):
        b = _draw_out(rng, scratch.here, count)
        count -= 1
        first, last = min(first, bids[b].start), max(last, bids[b].start + bids[b].duration)
        scratch.candidates[n] = b
        n += 1
        loss, gone = _take_out(bids, options, cells, levels, scratch.removed, gone, b)
        change -= loss
    return change, n, gone, first, last


@njit(cache=True, nogil=True)
def _give_place(bids, options, cells, levels, ground, scratch, k):  # type: ignore[no-untyped-def]
    """Put a bid at a start of pool k, rejecting bids in its way until it fits; returns as `_clear_window`."""
    rng = scratch.rng
    change, n, gone = 0, 0, 0
    among = 1 + _draw(rng, ground.begin[k + 1] - ground.begin[k])  # the valuable more often
    o = ground.by_pool[ground.begin[k] + _draw(rng, among)]
    b = ground.bid_of[o]
    first = bids[b].earliest + _draw(rng, bids[b].latest - bids[b].duration - bids[b].earliest + 1)
    last = first + bids[b].duration
    if not ground.owned[b] or bids[b].partner >= 0:
        return change, n, gone, first, first
    if bids[b].pool >= 0:
        loss, gone = _take_out(bids, options, cells, levels, scratch.removed, gone, b)
        change -= loss
    scratch.candidates[0], n = b, 1
    count = _standing(bids, cells, ground.owned, k, first, last, scratch.here)
    fits = _fits(bids, options, cells, levels, b, o, first)
    while not fits and count > 0 and n < MOST_REMOVED:
        c = _draw_out(rng, scratch.here, count)
        count -= 1
        scratch.candidates[n] = c
        n += 1
        loss, gone = _take_out(bids, options, cells, levels, scratch.removed, gone, c)
        change -= loss
        fits = _fits(bids, options, cells, levels, b, o, first)
    if fits:
        change += place(bids, options, cells, levels, b, o, first, bids[b].quantity)
    return change, n, gone, first, last


@njit(cache=True, nogil=True)
def _call_refused(bids, ground, scratch, k, first, last, n, gone):  # type: ignore[no-untyped-def]
    """Add to the n candidates some refused bids, the best first, that name pool k and a slot concerned."""
    rng, seated = scratch.rng, n > 0
    most = n + 1 + _draw(rng, 3 * MOST_REMOVED)
    for i in range(ground.begin[k], ground.begin[k + 1]):
        if n == most:
            break
        b = ground.bid_of[ground.by_pool[i]]
        if bids[b].pool >= 0 or bids[b].earliest >= last or bids[b].latest <= first or not ground.owned[b]:
            continue
        if _draw(rng, 4) == 0 or (seated and scratch.candidates[0] == b):
            continue
        fresh = True
        for j in range(gone):
            fresh = fresh and scratch.removed[j, 0] != b
        if fresh:
            scratch.candidates[n] = b
            n += 1
    return n


@njit(cache=True, nogil=True)
def _by_value(ground, scratch, n):  # type: ignore[no-untyped-def]
    """The n candidates, by their value and some noise, the best first."""
    rank = np.empty(n)
    for i in range(n):
        noise = 1.0 + NOISE * (_draw(scratch.rng, 1024) / 1024.0 - 0.5)
        rank[i] = -ground.value[scratch.candidates[i]] * noise
    return scratch.candidates[:n][np.argsort(rank)]


@njit(cache=True, nogil=True)
def _undo(bids, options, cells, levels, scratch, n, gone):  # type: ignore[no-untyped-def]
    """Reject the candidates, and put the removed back where they stood."""
    for i in range(n):
        b = scratch.candidates[i]
        for c in (b, bids[b].partner):
            if c >= 0 and bids[c].pool >= 0:
                remove(bids, options, cells, levels, c)
    for i in range(gone):
        b, o, start, units = scratch.removed[i]
        place(bids, options, cells, levels, b, o, start, units)


@njit(cache=True, nogil=True)
def _standing(bids, cells, owned, k, first, last, here):  # type: ignore[no-untyped-def]
    """Gather into `here` the owned bids accepted in pool k in some slot of [first, last); how many."""
    count = 0
    for t in range(last):
        b = cells[k, t].head
        while b >= 0:
            if t + bids[b].duration > first and owned[b]:
                here[count] = b
                count += 1
            b = bids[b].after
    return count


@njit(cache=True, nogil=True)
def _draw_out(rng, here, count):  # type: ignore[no-untyped-def]
    """One of the first `count`, whose place the last of them takes."""
    i = _draw(rng, count)
    b = here[i]
    here[i] = here[count - 1]
    return b


@njit(cache=True, nogil=True)
def _take_out(bids, options, cells, levels, removed, gone, b):  # type: ignore[no-untyped-def]
    """Reject a bid and its partner, noting where they stood; the welfare lost and how many are noted."""
    loss = 0
    for c in (b, bids[b].partner):
        if c >= 0:
            removed[gone, 0], removed[gone, 1] = c, bids[c].option
            removed[gone, 2], removed[gone, 3] = bids[c].start, bids[c].filled
            gone += 1
            loss += remove(bids, options, cells, levels, c)
    return loss, gone


@njit(cache=True, nogil=True)
def _fits(bids, options, cells, levels, b, o, start):  # type: ignore[no-untyped-def]
    """Whether a rejected bid can be added whole at this option and start, it affords it and nobody loses."""
    k, end, units = options[o].pool, start + bids[b].duration, bids[b].quantity
    most = options[o].limit * bids[b].duration
    return can_add(bids, options, cells, levels, k, start, end, units, most)
