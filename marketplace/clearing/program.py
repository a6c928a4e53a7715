"""A mixed-integer program, gathered row by row and handed to HiGHS."""

import math

import highspy
import numpy as np
from numpy.typing import NDArray

from marketplace.clearing.book import Column

SLACK = 0.99  # welfare is whole: a bound less than one above it proves it optimal


class Program:
    """A mixed-integer program gathered column by column and row by row."""

    def __init__(self) -> None:
        self.cost: list[NDArray[np.float64]] = []
        self.upper: list[NDArray[np.float64]] = []
        self.integer: list[NDArray[np.bool_]] = []
        self.size = 0
        self.index: list[int] = []
        self.value: list[float] = []
        self.begin = [0]
        self.low: list[float] = []
        self.high: list[float] = []

    def columns(self, gain: NDArray[np.number], upper: object, *, integer: bool) -> Column:
        """Columns from 0 to `upper` that each add their `gain`; their numbers."""
        many = len(gain)
        self.cost.append(-gain.astype(np.float64))
        self.upper.append(np.broadcast_to(np.asarray(upper, np.float64), many))
        self.integer.append(np.full(many, integer))
        self.size += many
        return np.arange(self.size - many, self.size)

    def row(
        self, columns: list[int], values: list[int], *, low: float = -np.inf, high: float = np.inf
    ) -> None:
        self.index += columns
        self.value += values
        self.begin.append(len(self.index))
        self.low.append(low)
        self.high.append(high)

    def maximise(self, nodes: int) -> tuple[int, NDArray[np.float64]]:
        """A bound, whole, and the columns' values; none where no solution was found."""
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self.size, len(self.low)
        lp.col_cost_ = np.concatenate(self.cost)
        lp.col_lower_, lp.col_upper_ = np.zeros(self.size), np.concatenate(self.upper)
        lp.row_lower_, lp.row_upper_ = np.array(self.low), np.array(self.high)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.array(self.begin)
        lp.a_matrix_.index_ = np.array(self.index)
        lp.a_matrix_.value_ = np.array(self.value, np.float64)
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[i] for i in np.concatenate(self.integer).tolist()]
        solver = highspy._core._Highs()  # highspy.Highs prints a banner before it can be told not to
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("parallel", "off"),
            ("random_seed", 0),
            ("mip_rel_gap", 0.0),
            ("mip_abs_gap", SLACK),
            ("mip_max_nodes", nodes),
            ("mip_allow_restart", False),
        ):
            solver.setOptionValue(option, value)
        solver.passModel(lp)
        solver.run()
        solution = solver.getSolution()
        reached = solver.getInfo()
        found = reached.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        if solver.getModelStatus() == highspy.HighsModelStatus.kOptimal:
            ceiling = round(-reached.objective_function_value)
        else:
            ceiling = _rounded_up(-reached.mip_dual_bound)
        return ceiling, np.array(solution.col_value if found else [])


def _rounded_up(bound: float) -> int:
    """A whole number that the bound is under, rounding errors of the solver included."""
    return math.floor(bound + max(1.0, 1e-6 * abs(bound))) if math.isfinite(bound) else 2**62
