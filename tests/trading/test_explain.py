"""A bid that did not fill says why, with what would have filled it; and it does."""

import pytest

from marketplace.trading.models import Order, RoundOrder
from marketplace.trading.queries.explanations import explain
from tests.factories.listings import CapacityFactory, LicencePlanFactory, PoolFactory, hour
from tests.factories.trading import bid, cleared_round, licence_order

pytestmark = pytest.mark.django_db
Outcome = RoundOrder.Outcome


def filled(order: Order) -> bool:
    order.refresh_from_db()
    return order.status == Order.Status.FILLED


def test_before_its_first_round_there_is_nothing_to_say():
    CapacityFactory()
    assert explain(bid()).outcome is None


def test_a_fill_says_where_and_for_how_much():
    capacity = CapacityFactory(reserve_price=1200)
    order = bid()
    cleared_round()
    said = explain(order)
    assert (said.outcome, said.pool, said.price) == (Outcome.FILLED, capacity.pool, 1200)
    assert "¥12.00" in said.reason
    assert said.remedy == ""


def test_no_pool_on_offer_is_eligible():
    CapacityFactory()
    order = bid(accelerators={PoolFactory().accelerator_id: None})
    cleared_round()
    said = explain(order)
    assert (said.outcome, said.units_available) == (Outcome.NO_CAPACITY, 0)
    assert "4 units for 3 hours" in said.reason
    assert "wider window" in said.remedy


def test_too_few_units_and_asking_for_as_many_as_there_are_fills():
    capacity = CapacityFactory(units=3)
    order = bid(quantity=4)
    cleared_round()
    said = explain(order)
    assert (said.outcome, said.pool, said.units_available) == (Outcome.NO_CAPACITY, capacity.pool, 3)
    fewer = bid(quantity=said.units_available)
    cleared_round()
    assert filled(fewer)


def test_a_limit_too_low_says_by_how_much_and_that_much_more_fills():
    pool = PoolFactory()
    CapacityFactory(pool=pool, reserve_price=2301, ends_at=hour(6))
    CapacityFactory(pool=pool, reserve_price=2101, starts_at=hour(6))
    order = bid(limit_price=2000)
    cleared_round()
    said = explain(order)
    assert (said.outcome, said.starts_at, said.price, said.raise_by) == (
        Outcome.LIMIT_TOO_LOW,
        hour(6),
        2101,
        101,
    )
    assert "¥1.01" in said.remedy
    almost, enough = bid(limit_price=2100), bid(limit_price=2101)
    cleared_round()
    assert (filled(almost), filled(enough)) == (False, True)


def test_refused_because_indivisible_says_what_would_have_fitted():
    """Ten of twelve units at 17 CNY are worth more than four at 20, which would pay more for each."""
    capacity = CapacityFactory(units=12, starts_at=hour(1), ends_at=hour(2), reserve_price=1000)
    slot = {"hours": 1, "window_end": hour(2), "accelerators": {capacity.pool.accelerator_id: None}}
    winner = bid(quantity=10, limit_price=1700, **slot)
    refused = bid(quantity=4, limit_price=2000, **slot)
    cleared_round()
    said = explain(refused)
    assert (filled(winner), filled(refused)) == (True, False)
    assert (said.outcome, said.pool, said.units_available) == (Outcome.INDIVISIBLE, capacity.pool, 2)
    assert "minimum of 2 units" in said.remedy
    smaller = bid(quantity=4, minimum=said.units_available, limit_price=2000, **slot)
    cleared_round()
    assert filled(smaller)


def test_the_answer_is_that_of_the_last_round_and_does_not_change_with_the_market():
    capacity = CapacityFactory(reserve_price=2500)
    order = bid()
    first = cleared_round()
    before = explain(order)
    capacity.refresh_from_db()
    capacity.hours.update(units=0)
    assert explain(order) == before
    assert before.round == first
    second = cleared_round()
    after = explain(order)
    assert (after.round, after.outcome) == (second, Outcome.NO_CAPACITY)


def test_licence_orders_say_why_too():
    limited = LicencePlanFactory(supply=3, price=1000)
    unlimited = LicencePlanFactory(price=1000)
    scarce = licence_order(limited, seats=4)
    low = licence_order(limited, seats=1, limit_price=900)
    below = licence_order(unlimited, limit_price=700)
    cleared_round()
    assert (explain(scarce).outcome, explain(scarce).units_available) == (Outcome.NO_CAPACITY, 3)
    assert (explain(low).outcome, explain(low).raise_by) == (Outcome.LIMIT_TOO_LOW, 100)
    assert (explain(below).outcome, explain(below).raise_by) == (Outcome.LIMIT_TOO_LOW, 300)
    assert "¥3.00 per seat" in explain(below).remedy
