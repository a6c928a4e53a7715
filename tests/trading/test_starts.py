"""The cheapest start is the one that trying every start finds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from marketplace.trading.starts import Start, cheapest_start, most_units, roomiest_start

SLOTS = 8
columns = st.lists(st.integers(0, 5), min_size=SLOTS, max_size=SLOTS).map(lambda values: np.array(values))
windows = st.tuples(st.integers(0, SLOTS), st.integers(0, SLOTS), st.integers(1, SLOTS)).map(
    lambda w: {"earliest": min(w[:2]), "latest": max(w[:2]), "duration": w[2]}
)


def runs(prices, units, earliest, latest, duration):
    return [
        Start(slot, int(prices[slot : slot + duration].sum()), int(units[slot : slot + duration].min()))
        for slot in range(earliest, latest - duration + 1)
    ]


@given(columns, columns, windows, st.integers(1, 5))
def test_cheapest(prices, units, window, minimum):
    possible = [run for run in runs(prices, units, **window) if run.units >= minimum]
    expected = min(possible, key=lambda run: (run.cost, run.slot), default=None)
    assert cheapest_start(prices, units, minimum=minimum, **window) == expected


@given(columns, columns, windows, st.integers(0, 30))
def test_roomiest(prices, units, window, most):
    possible = [run for run in runs(prices, units, **window) if run.cost <= most]
    expected = min(possible, key=lambda run: (-run.units, run.cost, run.slot), default=None)
    assert roomiest_start(prices, units, most=most, **window) == expected


@given(columns, windows)
def test_most_units(units, window):
    expected = max((run.units for run in runs(units, units, **window)), default=0)
    assert most_units(units, **window) == expected
