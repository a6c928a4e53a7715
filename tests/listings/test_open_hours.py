import pytest

from accounts.models import Organisation
from listings.models import Capacity, CapacityHour
from listings.operations import HourSale, freeze_capacities, sell_hours, thaw_capacities
from listings.queries import open_hours
from tests.factories.listings import CapacityFactory, hour

pytestmark = pytest.mark.django_db


def test_what_is_left_of_each_slot_in_the_horizon() -> None:
    capacity = CapacityFactory(units=8, starts_at=hour(0), ends_at=hour(5), reserve_price=900)
    sell_hours(sales=[HourSale(capacity.pk, hour(1), hour(2), 3), HourSale(capacity.pk, hour(2), hour(3), 8)])
    rows = open_hours(first_slot=hour(1), slots=3).values_list(
        "capacity_id", "pool_id", "slot", "left", "reserve_price"
    )
    assert list(rows) == [
        (capacity.pk, capacity.pool_id, hour(1), 5, 900),
        (capacity.pk, capacity.pool_id, hour(3), 8, 900),
    ]


def test_the_earlier_listed_comes_first() -> None:
    later = CapacityFactory(created_at=hour(-1), ends_at=hour(1))
    earlier = CapacityFactory(created_at=hour(-2), ends_at=hour(1))
    assert [row.capacity_id for row in open_hours(first_slot=hour(0), slots=1)] == [earlier.pk, later.pk]


def test_only_active_capacity_of_verified_providers_is_open() -> None:
    CapacityFactory(status=Capacity.Status.PAUSED)
    CapacityFactory(status=Capacity.Status.WITHDRAWN)
    CapacityFactory(pool__facility__provider__verification=Organisation.Verification.PENDING)
    assert not open_hours(first_slot=hour(0), slots=24).exists()


def test_the_gate_freezes_what_has_hours_left_in_the_horizon() -> None:
    inside, beyond = CapacityFactory(ends_at=hour(2)), CapacityFactory(starts_at=hour(30), ends_at=hour(32))
    sold_out = CapacityFactory(units=1, ends_at=hour(1))
    CapacityHour.objects.filter(capacity=sold_out).update(sold=1)

    assert freeze_capacities(first_slot=hour(0), slots=24) == 1
    assert freeze_capacities(first_slot=hour(0), slots=24) == 1, "freezing again changes nothing"
    assert list(Capacity.objects.filter(frozen=True)) == [inside]
    book = open_hours(first_slot=hour(0), slots=48).filter(capacity__frozen=True)
    assert {row.capacity_id for row in book} == {inside.pk}
    assert beyond.pk in {row.capacity_id for row in open_hours(first_slot=hour(0), slots=48)}

    assert thaw_capacities() == 1
    assert not Capacity.objects.filter(frozen=True).exists()
