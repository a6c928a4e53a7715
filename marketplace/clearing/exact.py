"""The best admissible result of a small component, by branch and bound (HiGHS).

One binary for each placement (bid, option, start) that could be part of a better result than the one at
hand: a placement is left out when the bound, given that placement, does not pass the welfare already
reached. Units of each level of the staircases are continuous. That no bid loses is added only where it is
broken: the model is solved, and for every bid that cannot afford its floors, the rows that say so are added
for all its placements in that pool, until nobody loses. HiGHS computes in doubles; what it finds is placed
and added up in integers.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from marketplace.clearing.book import Column
from marketplace.clearing.compiled import njit
from marketplace.clearing.construct import bid_values, insert_all, option_values, share_of
from marketplace.clearing.market import Charge, Grid, Market, place, remove
from marketplace.clearing.program import Program
from marketplace.clearing.starts import Starts

MOST_PLACEMENTS = 3_000
MOST_COEFFICIENTS = 60_000
COEFFICIENTS_OF_ALL = 150_000  # of all the parts of a book together
FEW_COEFFICIENTS = 1_000  # a part with so few is solved however many parts there are
NODES = 2_000  # of one branch-and-bound tree
ROUNDS = 20  # of adding rows


class Placements(NamedTuple):
    bid: Column
    option: Column
    start: Column
    pool: Column
    duration: Column
    worth: Column  # of a unit: limit x duration

    def __len__(self) -> int:
        return len(self.bid)


def optimum(
    m: Market, starts: Starts, lifted: Grid, bound: int, welfare: int, parts: int = 1
) -> tuple[int, int]:
    """Replace the result that `m` holds by the best admissible one; its welfare, and what none can pass.

    `bound` is what the prices `lifted` prove over the possible `starts`. Leaves `m` as it was where the
    component is too large for one of so many `parts`; where the nodes run out, `m` holds the best met.
    """
    rows, count = _worthwhile(m.bids, m.options, starts, lifted, bound - welfare, MOST_PLACEMENTS)
    choices = Placements(*rows[:, :count])
    most = min(MOST_COEFFICIENTS, max(FEW_COEFFICIENTS, COEFFICIENTS_OF_ALL // parts))
    if count > MOST_PLACEMENTS or choices.duration.sum() > most:
        return welfare, bound
    if count == 0:
        return welfare, welfare
    placements = np.column_stack([choices.bid, choices.option, choices.start])
    best, held = welfare, _standing(m)
    model = _Model(m, choices)
    for _ in range(ROUNDS):
        ceiling, chosen, units = model.solve()
        found = _replace(*m, placements[chosen], units)
        losers = _losers(m.bids, m.cells)
        again = found > best and len(losers) > 0
        if again:
            model.forbid_losing(losers)
            found += _drop_losers(m, lifted)
        if found > best:
            best, held = found, _standing(m)
        bound = min(bound, max(best, ceiling))
        if bound == best or not again:
            break
    _replace(*m, *held)
    return best, bound


def _standing(m: Market) -> tuple[Column, Column]:
    """The accepted bids, as rows of bid, option and start, and their units."""
    bid = np.flatnonzero(m.bids["pool"] >= 0)
    return np.column_stack([bid, m.bids["option"][bid], m.bids["start"][bid]]), m.bids["filled"][bid]


def _drop_losers(m: Market, lifted: Grid) -> int:
    """Reject bids that lose, the least worth first, until none does, and fill up; the welfare added."""
    added = 0
    while len(losers := _losers(m.bids, m.cells)):
        held = m.bids[losers]
        b = int(losers[np.argmin(held["limit"] * held["duration"] * held["filled"])])
        for c in (b, int(m.bids["partner"][b])):
            if c >= 0:
                added -= remove(*m, c)
    order = np.argsort(-bid_values(m.bids, option_values(m.bids, m.options, lifted, 0.0)), kind="stable")
    everywhere = np.ones(len(m.cells), np.bool_)
    for charge in (Charge(share_of(lifted, 1.0, m), True), Charge(np.zeros_like(lifted), False)):
        added += insert_all(*m, charge, everywhere, order)
    return int(added)


class _Model:
    """The mixed-integer program of a component; it grows by the rows that say that a bid must not lose."""

    def __init__(self, m: Market, choices: Placements) -> None:
        self.m, self.choices = m, choices
        bids = m.bids[choices.bid]
        self.quantity, self.minimum = bids["quantity"], bids["minimum"]
        self.divisible = np.flatnonzero(self.minimum < self.quantity)
        self.losing: set[tuple[int, int]] = set()

    def forbid_losing(self, losers: Column) -> None:
        self.losing |= {(b, int(self.m.bids[b]["pool"])) for b in losers.tolist()}

    def solve(self) -> tuple[int, Column, Column]:
        """What no choice's welfare can pass, the placements chosen, and their units."""
        program = Program()
        whole = self.minimum == self.quantity
        y = program.columns(self.choices.worth * self.quantity * whole, 1, integer=True)
        units = program.columns(self.choices.worth[~whole], self.quantity[~whole], integer=True)
        for i, q in zip(self.divisible.tolist(), units.tolist(), strict=True):
            program.row([q, y[i]], [1, -self.quantity[i]], high=0)
            program.row([q, y[i]], [1, -self.minimum[i]], low=0)
        self._once_each(program, y)
        cells = self._cells(y, units)
        levels = {cell: self._level_columns(program, *cell) for cell in cells}
        for cell, (columns, amounts) in cells.items():
            program.row([*columns, *levels[cell]], [*amounts, *(-1 for _ in levels[cell])], low=0, high=0)
        self._nobody_loses(program, y, levels)
        ceiling, value = program.maximise(NODES)
        chosen = np.flatnonzero(value[y] > 0.5) if len(value) else np.empty(0, np.int64)
        filled = self.quantity.copy()
        if len(value):
            filled[self.divisible] = np.rint(value[units])
        return ceiling, chosen, filled[chosen]

    def _once_each(self, program: "Program", y: Column) -> None:
        """Each bid at most once, both bids of a bundle or neither."""
        of_bid: dict[int, list[int]] = {}
        for column, b in zip(y.tolist(), self.choices.bid.tolist(), strict=True):
            of_bid.setdefault(b, []).append(column)
        for b, columns in of_bid.items():
            program.row(columns, [1] * len(columns), high=1)
            partner = int(self.m.bids[b]["partner"])
            if partner > b or (partner >= 0 and partner not in of_bid):
                other = of_bid.get(partner, [])
                program.row([*columns, *other], [1] * len(columns) + [-1] * len(other), low=0, high=0)

    def _cells(self, y: Column, units: Column) -> dict[tuple[int, int], tuple[list[int], list[int]]]:
        """For each pool and slot, the columns that use it and how many units each column's one stands for."""
        carrier, amount = y.copy(), self.quantity.copy()
        carrier[self.divisible], amount[self.divisible] = units, 1
        cells: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
        c = self.choices
        for column, many, k, t, d in zip(
            *(a.tolist() for a in (carrier, amount, c.pool, c.start, c.duration)), strict=True
        ):
            for slot in range(t, t + d):
                columns, amounts = cells.setdefault((k, slot), ([], []))
                columns.append(column)
                amounts.append(many)
        return cells

    def _staircase(self, k: int, t: int) -> tuple[Column, Column]:
        """The units and the reserve of each level."""
        cell = self.m.cells[k, t]
        steps = self.m.levels[cell["first_level"] : cell["last_level"]]
        return np.diff(steps["offered"], prepend=0), steps["reserve"]

    def _level_columns(self, program: "Program", k: int, t: int) -> list[int]:
        units, reserve = self._staircase(k, t)
        columns: list[int] = program.columns(-reserve, units, integer=False).tolist()
        return columns

    def _nobody_loses(self, program: "Program", y: Column, levels: dict[tuple[int, int], list[int]]) -> None:
        """Each placement of a bid in a pool where it lost pays floors within its limit, if it is chosen."""
        dear: dict[tuple[int, int], list[int]] = {}
        c = self.choices
        for i in range(len(c)):
            if (int(c.bid[i]), int(c.pool[i])) not in self.losing:
                continue
            columns, rises, floors, highest = [], [], 0, 0
            for t in range(c.start[i], c.start[i] + c.duration[i]):
                cell = (int(c.pool[i]), int(t))
                units, reserve = self._staircase(*cell)
                if cell not in dear:
                    dear[cell] = program.columns(np.zeros(len(units) - 1), 1, integer=True).tolist()
                    for used, on, size in zip(levels[cell][1:], dear[cell], units[1:], strict=True):
                        program.row([used, on], [1, -size], high=0)
                    for cheaper, dearer in pairwise(dear[cell]):  # no level is skipped
                        program.row([cheaper, dearer], [1, -1], low=0)
                columns += dear[cell]
                rises += np.diff(reserve).tolist()
                floors += int(reserve[0])
                highest += int(reserve[-1])
            money = int(c.worth[i])
            if highest > money:
                program.row([*columns, int(y[i])], [*rises, highest - money], high=highest - floors)


@njit(cache=True, nogil=True)
def _surplus(bids, options, total, units, b, o, t):  # type: ignore[no-untyped-def]
    """The most that a bid gains with at most `units`, or the least that it loses; `total` sums prices."""
    k, d = options[o].pool, bids[b].duration
    gain = options[o].limit * d - total[k, t + d] + total[k, t]
    return gain * (units if gain > 0 else bids[b].minimum)


@njit(cache=True, nogil=True)
def _worthwhile(bids, options, starts, lifted, over, most):  # type: ignore[no-untyped-def]
    """The placements that a result with more welfare could contain, the first `most`, and their number.

    `over` is by how much the bound passes the welfare.
    """
    pools, slots = lifted.shape
    total = np.zeros((pools, slots + 1), np.int64)
    for k in range(pools):
        for t in range(slots):
            total[k, t + 1] = total[k, t] + lifted[k, t]
    best = np.zeros(len(bids), np.int64)
    for i in range(len(starts.bid)):
        b, o = starts.bid[i], starts.option[i]
        for t in range(starts.first[i], starts.last[i] + 1):
            best[b] = max(best[b], _surplus(bids, options, total, starts.units[i], b, o, t))
    rows = np.empty((6, most), np.int64)
    count = 0
    for i in range(len(starts.bid)):
        b, o = starts.bid[i], starts.option[i]
        k, d = options[o].pool, bids[b].duration
        for t in range(starts.first[i], starts.last[i] + 1):
            if over - best[b] + _surplus(bids, options, total, starts.units[i], b, o, t) <= 0:
                continue
            if count < most:
                rows[0, count], rows[1, count], rows[2, count] = b, o, t
                rows[3, count], rows[4, count], rows[5, count] = k, d, options[o].limit * d
            count += 1
    return rows, count


@njit(cache=True, nogil=True)
def _replace(bids, options, cells, levels, placements, units):  # type: ignore[no-untyped-def]
    """Accept just these placements (rows of bid, option, start); the welfare, -1 if there is no room."""
    for b in range(len(bids)):
        if bids[b].pool >= 0:
            remove(bids, options, cells, levels, b)
    welfare = np.int64(0)
    for i in range(len(placements)):
        b, o, start = placements[i]
        k = options[o].pool
        for t in range(start, start + bids[b].duration):
            if cells[k, t].left < units[i]:
                return np.int64(-1)
        welfare += place(bids, options, cells, levels, b, o, start, units[i])
    return welfare


@njit(cache=True, nogil=True)
def _losers(bids, cells):  # type: ignore[no-untyped-def]
    """The accepted bids that cannot afford the floors of their slots."""
    lost = np.zeros(len(bids), np.bool_)
    for b in range(len(bids)):
        if bids[b].pool >= 0:
            floors = np.int64(0)
            for t in range(bids[b].start, bids[b].start + bids[b].duration):
                floors += cells[bids[b].pool, t].floor
            lost[b] = floors > bids[b].limit * bids[b].duration
    return np.flatnonzero(lost)
