"""Destroy and repair: reject some neighbouring bids, insert them and the best refused ones anew, keep what is
better.

A neighbourhood is a pool and a window of slots. A large component is searched by several workers at a time,
each on pools of its own that are dealt anew every round; who works on what depends on the seed alone, never
on the number of threads. (Large neighbourhood search: Shaw, CP 1998.)
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from marketplace.clearing.compiled import njit
from marketplace.clearing.construct import bid_values, insert
from marketplace.clearing.market import Grid, Market, place, remove

ROUNDS = 8
POOLS_A_WORKER = 10
MOST_WORKERS = 16
MOST_REMOVED = 24  # bids rejected at a time
NOISE = 0.6


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
                    _search, *m, pull, bid, by_pool, begin, value, deal == w, owner == w, seeds[w], tries
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
def _search(bids, options, cells, levels, pull, bid_of, by_pool, begin, value, mine, owned, seed, tries):  # type: ignore[no-untyped-def]
    rng = np.array([seed], np.uint64)
    pools = np.flatnonzero(mine)
    slots = pull.shape[1]
    nothing = np.zeros_like(pull)
    here = np.empty(len(value), np.int64)  # accepted bids in the window
    removed = np.empty((2 * MOST_REMOVED, 4), np.int64)  # bid, option, start, units
    candidates = np.empty(8 * MOST_REMOVED, np.int64)
    added = 0
    for _ in range(tries):
        k = pools[_draw(rng, len(pools))]
        first = _draw(rng, slots)
        last = min(slots, first + 1 + _draw(rng, 12))
        count = 0
        for t in range(last):
            b = cells[k, t].head
            while b >= 0:
                if t + bids[b].duration > first and owned[b]:
                    here[count] = b
                    count += 1
                b = bids[b].after
        most = 1 + _draw(rng, MOST_REMOVED)
        low, high = first, last
        change, gone, n = 0, 0, 0
        for i in range(min(most, count)):
            j = i + _draw(rng, count - i)
            here[i], here[j] = here[j], here[i]
            b = here[i]
            low, high = min(low, bids[b].start), max(high, bids[b].start + bids[b].duration)
            candidates[n] = b
            n += 1
            for c in (b, bids[b].partner):
                if c >= 0:
                    removed[gone, 0], removed[gone, 1] = c, bids[c].option
                    removed[gone, 2], removed[gone, 3] = bids[c].start, bids[c].filled
                    gone += 1
                    change -= remove(bids, options, cells, levels, c)
        waiting = n + 1 + _draw(rng, 3 * MOST_REMOVED)
        for i in range(begin[k], begin[k + 1]):
            if n == waiting:
                break
            b = bid_of[by_pool[i]]
            if (
                bids[b].pool < 0
                and bids[b].earliest < high
                and bids[b].latest > low
                and owned[b]
                and _draw(rng, 4) > 0
            ):
                fresh = True
                for j in range(gone):
                    fresh = fresh and removed[j, 0] != b
                if fresh:
                    candidates[n] = b
                    n += 1
        rank = np.empty(n)
        for i in range(n):
            rank[i] = -value[candidates[i]] * (1.0 + NOISE * (_draw(rng, 1024) / 1024.0 - 0.5))
        order = candidates[:n][np.argsort(rank)]
        for b in order:
            change += max(0, insert(bids, options, cells, levels, pull, mine, b))
        for b in order:
            if bids[b].pool < 0:
                change += max(0, insert(bids, options, cells, levels, nothing, mine, b))
        if change >= 0:
            added += change
            continue
        for i in range(n):
            for c in (candidates[i], bids[candidates[i]].partner):
                if c >= 0 and bids[c].pool >= 0:
                    remove(bids, options, cells, levels, c)
        for i in range(gone):
            place(bids, options, cells, levels, removed[i, 0], removed[i, 1], removed[i, 2], removed[i, 3])
    return added
