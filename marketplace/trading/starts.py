"""Where a bid could start in one pool, and what it would cost there. Slots are numbers; nothing is read."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.int64]


@dataclass(frozen=True)
class Start:
    slot: int
    cost: int  # fen: the sum of the run's prices, for one unit
    units: int  # that the run offers in every slot


def cheapest_start(
    prices: Slots, offered: Slots, *, earliest: int, latest: int, duration: int, minimum: int
) -> Start | None:
    """The cheapest run of `duration` slots inside [earliest, latest) that offers `minimum` units throughout.

    Of equal runs the earliest; None where no run offers enough.
    """
    if latest - earliest < duration:
        return None
    cost = _run_sums(prices[earliest:latest], duration)
    short = _run_sums((offered[earliest:latest] < minimum).astype(np.int64), duration)
    possible = np.flatnonzero(short == 0)
    if not len(possible):
        return None
    best = int(possible[cost[possible].argmin()])
    slot = earliest + best
    return Start(slot, int(cost[best]), int(offered[slot : slot + duration].min()))


def most_units(offered: Slots, *, earliest: int, latest: int, duration: int) -> int:
    """The most units that any run of `duration` slots inside [earliest, latest) offers throughout."""
    if latest - earliest < duration:
        return 0
    return int(_run_minima(offered[earliest:latest], duration).max())


class Room:
    """`most_units` of many bids on the same pools; `offered` is units by pool and slot."""

    def __init__(self, offered: Slots) -> None:
        self._offered = offered
        self._minima: dict[tuple[int, int], Slots] = {}

    def most_units(self, pool_row: int, *, earliest: int, latest: int, duration: int) -> int:
        if latest - earliest < duration:
            return 0
        minima = self._minima.get((pool_row, duration))
        if minima is None:
            minima = self._minima[pool_row, duration] = _run_minima(self._offered[pool_row], duration)
        return int(minima[earliest : latest - duration + 1].max())


def roomiest_start(
    prices: Slots, units: Slots, *, earliest: int, latest: int, duration: int, most: int
) -> Start | None:
    """The run that costs at most `most` with the most units throughout; of equals the cheapest, the first."""
    if latest - earliest < duration:
        return None
    cost = _run_sums(prices[earliest:latest], duration)
    least = _run_minima(units[earliest:latest], duration)
    affordable = np.flatnonzero(cost <= most)
    if not len(affordable):
        return None
    best = int(affordable[np.lexsort((cost[affordable], -least[affordable]))[0]])
    return Start(earliest + best, int(cost[best]), int(least[best]))


def _run_sums(values: Slots, duration: int) -> Slots:
    """The sum of each run of `duration` values."""
    total = np.concatenate(([0], np.cumsum(values)))
    runs: Slots = total[duration:] - total[:-duration]
    return runs


def _run_minima(values: Slots, duration: int) -> Slots:
    """The least of each run of `duration` values."""
    runs: Slots = np.lib.stride_tricks.sliding_window_view(values, duration).min(axis=1)
    return runs
