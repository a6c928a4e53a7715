"""The demo's demand has the shape of the traces it is drawn from, and nothing depends on the day it runs."""

import json
from collections import Counter

import numpy as np
import pytest

from marketplace.demo.demand import DEMAND, WORKLOADS, Demand, arrival_rate, draw_demand

PRICES = {slug: 1000 for workload in WORKLOADS for slug in workload.accelerators}
HORIZON = 336


@pytest.fixture(scope="module")
def drawn() -> list[Demand]:
    return draw_demand(3000, seed=7, first_hour=0, horizon=HORIZON, reserve_prices=PRICES)


def test_the_same_seed_draws_the_same_orders(drawn: list[Demand]) -> None:
    assert draw_demand(3000, seed=7, first_hour=0, horizon=HORIZON, reserve_prices=PRICES) == drawn
    assert draw_demand(3000, seed=8, first_hour=0, horizon=HORIZON, reserve_prices=PRICES) != drawn


def test_every_order_fits_the_horizon(drawn: list[Demand]) -> None:
    for order in drawn:
        assert 1 <= order.minimum <= order.units
        assert order.hours >= 1
        assert order.slack >= 0
        assert order.after >= 0
        assert order.after + order.hours + order.slack <= HORIZON
        assert order.limits


def test_sizes_are_those_of_the_traces(drawn: list[Demand]) -> None:
    traces = json.loads(DEMAND.read_text())["accelerators"]
    known = {value for trace in (traces["kalos"], traces["gavel"]) for value in trace["value"]}
    assert {order.units for order in drawn} <= known


def test_durations_follow_the_quantiles(drawn: list[Demand]) -> None:
    table = json.loads(DEMAND.read_text())["duration_hours"]
    longer_than_two = 1 - float(np.interp(2, table["hours"], table["probability"]))
    assert sum(order.hours > 2 for order in drawn) / len(drawn) == pytest.approx(longer_than_two, abs=0.03)


def test_starts_follow_the_hours_of_the_trace(drawn: list[Demand]) -> None:
    short = [order for order in drawn if order.after + order.hours < HORIZON]  # the others are pulled forward
    starts = Counter(order.after % 24 for order in short)
    share = starts[13] / len(short)
    assert share == pytest.approx(arrival_rate(13) / 24, abs=0.02)
    assert share > 3 * starts[2] / len(short)


def test_the_first_slot_need_not_be_midnight() -> None:
    from_noon = draw_demand(3000, seed=7, first_hour=12, horizon=HORIZON, reserve_prices=PRICES)
    starts = Counter((order.after + 12) % 24 for order in from_noon)
    assert starts[13] > 3 * starts[2]
