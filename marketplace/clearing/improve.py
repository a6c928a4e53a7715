"""Destroy and repair: reject some neighbouring bids, insert them and the best refused ones anew, keep what is
better.

A neighbourhood is a pool and a window of slots. A large component is searched by several workers at a time,
each on pools of its own that are dealt anew every round; who works on what depends on the seed alone, never
on the number of threads. (Large neighbourhood search: Shaw, CP 1998.)
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marketplace.clearing.construct import bid_values, insert
from marketplace.clearing.market import Grid, Market, State, place, remove

ROUNDS = 8
POOLS_A_WORKER = 10
MOST_WORKERS = 16
MOST_REMOVED = 24  # bids rejected at a time
NOISE = 0.6


def improve(
    m: Market,
    s: State,
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
    bid = np.repeat(np.arange(len(m.quantity)), np.diff(m.option))
    by_pool = np.lexsort((-values, m.pool))
    begin = np.searchsorted(m.pool[by_pool], np.arange(pools + 1))
    value = bid_values(m, values)
    rng = np.random.default_rng(seed)
    added = 0
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(rounds):
            deal = rng.permutation(pools) % workers
            salt, *seeds = rng.integers(1, 2**62, workers + 1).tolist()

            def work(worker: int, deal: Grid = deal, salt: int = salt, seeds: list[int] = seeds) -> int:
                tries = neighbourhoods // (rounds * workers)
                mine = deal == worker
                return _search(m, s, pull, bid, by_pool, begin, value, mine, salt, seeds[worker], tries)  # type: ignore[no-any-return]

            added += sum(pool.map(work, range(workers)))
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
def _owned(m, b, mine, salt):  # type: ignore[no-untyped-def]
    """Whether a rejected bid is this worker's in this round: one of its pools is drawn to decide."""
    b = min(b, m.partner[b]) if m.partner[b] >= 0 else b
    options = m.option[b + 1] - m.option[b]
    drawn = ((b + 1) * 0x2545F491 + salt) % 1000003 % options
    return mine[m.pool[m.option[b] + drawn]]


@njit(cache=True, nogil=True)
def _search(m, s, pull, bid_of, by_pool, begin, value, mine, salt, seed, tries):  # type: ignore[no-untyped-def]
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
        for t in range(max(0, first - m.longest[k] + 1), last):
            b = s.head[k, t]
            while b >= 0:
                if t + m.duration[b] > first and (m.partner[b] < 0 or mine[s.pool[m.partner[b]]]):
                    here[count] = b
                    count += 1
                b = s.after[b]
        most = 1 + _draw(rng, MOST_REMOVED)
        low, high = first, last
        change, gone, n = 0, 0, 0
        for i in range(min(most, count)):
            j = i + _draw(rng, count - i)
            here[i], here[j] = here[j], here[i]
            b = here[i]
            low, high = min(low, s.start[b]), max(high, s.start[b] + m.duration[b])
            candidates[n] = b
            n += 1
            for c in (b, m.partner[b]):
                if c >= 0:
                    removed[gone, 0], removed[gone, 1] = c, s.option[c]
                    removed[gone, 2], removed[gone, 3] = s.start[c], s.filled[c]
                    gone += 1
                    change -= remove(m, s, c)
        waiting = n + 1 + _draw(rng, 3 * MOST_REMOVED)
        for i in range(begin[k], begin[k + 1]):
            if n == waiting:
                break
            b = bid_of[by_pool[i]]
            if (
                s.pool[b] < 0
                and m.earliest[b] < high
                and m.latest[b] > low
                and _owned(m, b, mine, salt)
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
            change += max(0, insert(m, s, pull, mine, b))
        for b in order:
            if s.pool[b] < 0:
                change += max(0, insert(m, s, nothing, mine, b))
        if change >= 0:
            added += change
            continue
        for i in range(n):
            for c in (candidates[i], m.partner[candidates[i]]):
                if c >= 0 and s.pool[c] >= 0:
                    remove(m, s, c)
        for i in range(gone):
            place(m, s, removed[i, 0], removed[i, 1], removed[i, 2], removed[i, 3])
    return added
