"""Sums over runs of slots. A bid's run is `duration` slots in a row, all inside its window."""

from collections.abc import Iterator

import numpy as np

from .reading import Book, Integers, Mask


def groups(values: Integers) -> Iterator[tuple[int, Integers]]:
    """Each distinct value, and the positions that hold it."""
    if not len(values):
        return
    order = np.argsort(values, kind="stable")
    distinct, begin = np.unique(values[order], return_index=True)
    yield from zip(distinct.tolist(), np.split(order, begin[1:]), strict=True)


def run_sums(grid: Integers, duration: int) -> Integers:
    """The sum over the run from every start on: the last axis shrinks from slots to slots - duration + 1."""
    sums = np.zeros((*grid.shape[:-1], grid.shape[-1] + 1), grid.dtype)
    grid.cumsum(axis=-1, out=sums[..., 1:])
    return sums[..., duration:] - sums[..., : sums.shape[-1] - duration]


def sums_between(grid: Integers, pool: Integers, first: Integers, last: Integers) -> Integers:
    """The sum over [first, last) of each pool's row."""
    sums = np.zeros((grid.shape[0], grid.shape[1] + 1), grid.dtype)
    grid.cumsum(axis=1, out=sums[:, 1:])
    return sums[pool, last] - sums[pool, first]


def lowest_run(book: Book, grid: Integers, options: Integers) -> Integers:
    """For each of these options, the least sum of `grid` over a run of its bid in its pool."""
    lowest = np.empty(len(options), grid.dtype)
    for duration, these, pool, earliest, latest in _windows(book, options):
        least, level = run_sums(grid, duration), 0  # over the 2^level starts from each start on
        for power, mine in groups(_power(latest - earliest + 1)):
            while level < power:
                least = np.minimum(least[:, : -(2**level)], least[:, 2**level :])
                level += 1
            lowest[these[mine]] = np.minimum(
                least[pool[mine], earliest[mine]], least[pool[mine], latest[mine] + 1 - 2**power]
            )
    return lowest


def affordable_slots(book: Book, grid: Integers, options: Integers) -> Mask:
    """The pools and slots that lie on some run of one of these options whose limit is above its sum of
    `grid`.
    """
    reached = np.zeros(grid.shape, np.bool_)
    for duration, these, pool, earliest, latest in _windows(book, options):
        sums = run_sums(grid, duration)
        worth = book.options.price[options[these]] * duration
        powers = _power(latest - earliest + 1)
        level = int(powers.max())
        most = np.full((sums.shape[0], sums.shape[1] - 2**level + 1), -1, grid.dtype)
        while True:  # most: what someone would pay for a run from any of the 2^level starts from here on
            mine = np.flatnonzero(powers == level)
            np.maximum.at(most, (pool[mine], earliest[mine]), worth[mine])
            np.maximum.at(most, (pool[mine], latest[mine] + 1 - 2**level), worth[mine])
            if level == 0:
                break
            level -= 1
            most = np.pad(most, ((0, 0), (0, 2**level)), constant_values=-1)
            most[:, 2**level :] = np.maximum(most[:, 2**level :], most[:, : -(2**level)])
        affordable = (most > sums).astype(np.int64)
        steps = np.zeros((grid.shape[0], grid.shape[1] + 1), np.int64)
        steps[:, : sums.shape[1]] += affordable
        steps[:, duration:] -= affordable
        reached |= steps.cumsum(axis=1)[:, :-1] > 0
    return reached


def _windows(book: Book, options: Integers) -> Iterator[tuple[int, Integers, Integers, Integers, Integers]]:
    """By duration: which of these options, their pools, and the first and last start of their bids."""
    bids = book.options.bid[options]
    for duration, these in groups(book.bids.duration[bids]):
        mine = bids[these]
        yield (
            duration,
            these,
            book.options.pool[options[these]],
            book.bids.earliest[mine],
            book.bids.latest[mine] - duration,
        )


def _power(lengths: Integers) -> Integers:
    """The exponent of the largest power of two in each length."""
    return np.frexp(lengths.astype(np.float64))[1].astype(np.int64) - 1
