"""Orders as real clusters would send them: sizes and durations drawn from `trading/data/demand.json`.

What a buyer would pay is in no public trace: limit prices here are synthetic, log-normal around the reserve
prices of `data/facilities.json`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEMAND = Path(__file__).parent.parent / "trading" / "data" / "demand.json"
LONGEST_HOURS = 120
MOST_UNITS = 128
LIMIT_SPREAD = 0.35
DAYS_AHEAD = 1.5

Shares = NDArray[np.float64]
READINESS = 1.15  # The median buyer would pay this much more than the reserve price.


@dataclass(frozen=True)
class Workload:
    """What a kind of buyer runs, and how much it values each accelerator against its reserve price."""

    share: float
    kalos: float  # The share of its jobs that are as large as Kalos's; the others are Gavel's.
    accelerators: dict[str, float]


WORKLOADS = (
    Workload(0.30, 0.5, {"nvidia-h100": 1.1, "nvidia-h800": 1.1, "nvidia-a100": 1.0, "nvidia-a800": 1.0}),
    Workload(
        0.25,
        0.5,
        {"huawei-ascend-910c": 1.1, "huawei-ascend-910b": 1.0, "cambricon-mlu590": 0.95, "kunlun-p800": 1.0},
    ),
    Workload(0.20, 0.1, {"nvidia-h20": 1.05, "nvidia-l40s": 1.0, "nvidia-rtx-4090": 1.1}),
    Workload(0.10, 0.1, {"cambricon-mlu370": 1.0, "moore-threads-s4000": 1.0, "metax-c500": 1.05}),
    Workload(0.10, 0.3, {"hygon-k100": 1.0, "hygon-z100": 1.0, "huawei-ascend-910b": 0.95}),
    Workload(
        0.05, 0.0, {"nvidia-a800": 0.95, "huawei-ascend-910b": 1.0, "nvidia-h20": 1.0, "metax-c500": 0.9}
    ),
)


@dataclass(frozen=True)
class Demand:
    """One order: `units` for `hours`, starting in `after` slots at the earliest, with `slack` hours."""

    units: int
    minimum: int
    hours: int
    after: int
    slack: int
    limits: dict[str, int]  # accelerator slug -> fen per unit-hour


def draw_demand(
    count: int, *, seed: int, first_hour: int, horizon: int, reserve_prices: dict[str, int]
) -> list[Demand]:
    """`count` orders for `horizon` slots, of which the first is at `first_hour` (0 to 23) of the day.

    The same arguments draw the same orders.
    """
    table = json.loads(DEMAND.read_text())
    rng = np.random.default_rng(seed)
    arrives = _arrival_slots(rng, np.roll(_arrivals_by_hour(table), -first_hour), count, horizon)
    return [_draw_one(rng, table, int(after), horizon, reserve_prices) for after in arrives]


def arrival_rate(hour: int) -> float:
    """How many orders come in this hour of the day, against the mean of all hours."""
    return float(24 * _arrivals_by_hour(json.loads(DEMAND.read_text()))[hour])


def _arrivals_by_hour(table: dict[str, Any]) -> Shares:
    """The share of each hour of the day; the trace's first hour has no name and counts as midnight."""
    jobs = np.array(table["arrivals_by_hour"]["jobs"], float)
    shares: Shares = jobs / jobs.sum()
    return shares


def _arrival_slots(rng: np.random.Generator, by_hour: Shares, count: int, horizon: int) -> NDArray[np.int64]:
    """The slot in which each order wants to start at the earliest: most within days, at the trace's hours."""
    day = rng.exponential(DAYS_AHEAD, count).astype(int) % (horizon // 24)
    return day * 24 + rng.choice(24, count, p=by_hour)


def _draw_one(
    rng: np.random.Generator, table: dict[str, Any], after: int, horizon: int, reserve_prices: dict[str, int]
) -> Demand:
    workload = WORKLOADS[rng.choice(len(WORKLOADS), p=[w.share for w in WORKLOADS])]
    trace = table["accelerators"]["kalos" if rng.random() < workload.kalos else "gavel"]
    jobs = np.array(trace["jobs"])
    units = min(int(rng.choice(trace["value"], p=jobs / jobs.sum())), MOST_UNITS)
    quantiles = table["duration_hours"]
    hours = float(np.interp(rng.random(), quantiles["probability"], quantiles["hours"]))
    hours = min(max(1, round(hours + 0.49)), LONGEST_HOURS)
    after = min(after, horizon - hours)
    slack = min(int(rng.integers(0, 7 * 24 + 1)), horizon - hours - after)
    readiness = READINESS * float(rng.lognormal(0.0, LIMIT_SPREAD))
    limits = {
        slug: round(reserve_prices[slug] * worth * readiness)
        for slug, worth in workload.accelerators.items()
        if slug in reserve_prices
    }
    all_or_none = units == 1 or rng.random() < 0.7
    minimum = units if all_or_none else max(1, units // 2)
    return Demand(units, minimum, hours, after, slack, limits)
