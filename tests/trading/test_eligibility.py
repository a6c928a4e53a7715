"""What a bid accepts is the same in memory, for a round, and in SQL, for an estimate."""

import itertools

import pytest

from accounts.models import Jurisdiction
from listings.models import Facility, Hub, Pool
from listings.queries import eligible_pools
from marketplace.trading.eligibility import accepts, options_of
from marketplace.trading.models import Order
from tests.factories.accounts import OrganisationFactory
from tests.factories.listings import AcceleratorFactory, FacilityFactory, PoolFactory
from tests.factories.trading import terms

pytestmark = pytest.mark.django_db


@pytest.fixture
def pools() -> list[Pool]:
    accelerators = [
        AcceleratorFactory(domestic=False, memory_gb=80),
        AcceleratorFactory(domestic=True, memory_gb=64),
        AcceleratorFactory(domestic=True, memory_gb=None),
    ]
    facilities = [
        FacilityFactory(hub=Hub.GREATER_BAY, jurisdiction=Jurisdiction.MAINLAND),
        FacilityFactory(hub="", jurisdiction=Jurisdiction.HONG_KONG, kind=Facility.Kind.SUPERCOMPUTING),
    ]
    return [
        PoolFactory(facility=facility, accelerator=accelerator)
        for facility, accelerator in itertools.product(facilities, accelerators)
    ]


@pytest.mark.parametrize("hubs", [(), (Hub.GREATER_BAY,), (Hub.GANSU,)])
@pytest.mark.parametrize("kinds", [(), (Facility.Kind.SUPERCOMPUTING,)])
@pytest.mark.parametrize("jurisdictions", [(), (Jurisdiction.MAINLAND, Jurisdiction.HONG_KONG)])
@pytest.mark.parametrize("domestic_only", [False, True])
@pytest.mark.parametrize("least_memory_gb", [None, 64, 80])
@pytest.mark.parametrize("names_accelerators", [False, True])
def test_both_say_the_same(
    pools, hubs, kinds, jurisdictions, domestic_only, least_memory_gb, names_accelerators
):
    limits = {pools[0].accelerator_id: 1500, pools[2].accelerator_id: 900} if names_accelerators else {}
    asked = terms(
        accelerators=limits,
        hubs=hubs,
        facility_kinds=kinds,
        jurisdictions=jurisdictions,
        domestic_only=domestic_only,
        least_memory_gb=least_memory_gb,
    )
    order = Order(
        organisation=OrganisationFactory(),
        hubs=hubs,
        facility_kinds=kinds,
        jurisdictions=jurisdictions,
        domestic_only=domestic_only,
        least_memory_gb=least_memory_gb,
    )
    in_memory = {pool.pk for pool in pools if accepts(order, limits, pool)}
    in_sql = set(eligible_pools(asked.requirements()).values_list("pk", flat=True))
    assert in_memory == in_sql


def test_each_pool_has_the_limit_of_its_accelerator(pools):
    order = Order(organisation=OrganisationFactory(), limit_price=1200)
    assert {option.limit_price for option in options_of(order, {}, pools)} == {1200}
    limits = {pools[0].accelerator_id: 1500, pools[1].accelerator_id: 900}
    named = {option.pool_row: option.limit_price for option in options_of(order, limits, pools)}
    assert named == {0: 1500, 1: 900, 3: 1500, 4: 900}
