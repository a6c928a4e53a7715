"""Before a bid is placed: which pools are eligible, and what the last round's prices would make it cost."""

import pytest

from accounts.errors import InvalidInput
from listings.models import Capacity
from marketplace.trading.queries.estimates import estimate
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory, PoolFactory, hour
from tests.factories.trading import bid, cleared_round, funded_buyer, terms

pytestmark = pytest.mark.django_db


def test_without_a_round_it_takes_the_reserve_prices(buyer):
    cheap, dear = CapacityFactory(reserve_price=1000), CapacityFactory(reserve_price=1500)
    answer = estimate(organisation=buyer, terms=terms(), now=NOW)
    assert answer.most_it_can_cost == 24_000
    assert answer.priced_by is None
    assert [(each.pool, each.cost) for each in answer.pools] == [(cheap.pool, 12_000), (dear.pool, 18_000)]
    first = answer.cheapest
    assert first is not None
    assert (first.starts_at, first.mean_price, first.units, first.within_limit) == (hour(1), 1000, 8, True)


def test_it_finds_the_cheapest_start_of_the_window(buyer):
    pool = PoolFactory()
    CapacityFactory(pool=pool, reserve_price=1500, ends_at=hour(6))
    CapacityFactory(pool=pool, reserve_price=1000, starts_at=hour(6))
    [only] = estimate(organisation=buyer, terms=terms(), now=NOW).pools
    assert (only.starts_at, only.cost) == (hour(6), 12_000)
    [early] = estimate(organisation=buyer, terms=terms(window_end=hour(5)), now=NOW).pools
    assert (early.starts_at, early.cost) == (hour(1), 18_000)


def test_the_last_rounds_prices_come_first(buyer):
    """A bid that was refused lifted the price of the hours it wanted."""
    capacity = CapacityFactory(units=10, starts_at=hour(1), ends_at=hour(4), reserve_price=1000)
    window = {"quantity": 6, "hours": 3, "window_end": hour(4)}
    bid(limit_price=3000, **window)
    bid(limit_price=2500, **window)
    done = cleared_round()
    price = done.curves.get().prices[0]
    assert price >= 2500
    answer = estimate(organisation=buyer, terms=terms(), now=NOW)
    assert answer.priced_by == done
    [only] = answer.pools
    assert (only.pool, only.cost, only.within_limit) == (
        capacity.pool,
        4 * sum(done.curves.get().prices[:3]),
        False,
    )


def test_a_pool_with_too_few_units_has_no_start(buyer):
    CapacityFactory(units=3)
    enough = CapacityFactory(reserve_price=9_000)
    pools = estimate(organisation=buyer, terms=terms(), now=NOW).pools
    assert [(each.cost, each.units) for each in pools] == [(4 * 3 * 9_000, 8), (None, 3)]
    assert pools[0].pool == enough.pool
    assert not pools[1].within_limit


def test_paused_capacity_and_the_buyers_own_are_not_counted():
    CapacityFactory(status=Capacity.Status.PAUSED)
    buyer = funded_buyer()
    CapacityFactory(pool__facility__provider=buyer)
    [paused] = estimate(organisation=buyer, terms=terms(), now=NOW).pools
    assert (paused.cost, paused.units) == (None, 0)


def test_each_accelerator_has_its_own_limit(buyer):
    one, other = CapacityFactory(reserve_price=1000).pool, CapacityFactory(reserve_price=1000).pool
    limits = {one.accelerator_id: 900, other.accelerator_id: None}
    pools = estimate(organisation=buyer, terms=terms(accelerators=limits), now=NOW).pools
    assert {(each.pool, each.limit_price, each.within_limit) for each in pools} == {
        (one, 900, False),
        (other, 2000, True),
    }


def test_a_window_beyond_the_horizon_finds_nothing_yet(buyer, settings):
    settings.HORIZON_SLOTS = 4
    CapacityFactory()
    [only] = estimate(
        organisation=None, terms=terms(window_start=hour(6), window_end=hour(12)), now=NOW
    ).pools
    assert only.cost is None


def test_terms_that_cannot_be_placed_are_refused(buyer):
    with pytest.raises(InvalidInput):
        estimate(organisation=buyer, terms=terms(hours=0), now=NOW)
