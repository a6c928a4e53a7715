import pytest

from listings.errors import NotOnSale, Oversold
from listings.models import Capacity, CapacityHour
from listings.operations import HourSale, sell_hours
from tests.factories.listings import CapacityFactory, hour

pytestmark = pytest.mark.django_db


def sold(capacity: Capacity) -> list[int]:
    return list(capacity.hours.order_by("slot").values_list("sold", flat=True))


def test_sales_add_up_hour_by_hour() -> None:
    capacity = CapacityFactory(units=8, ends_at=hour(4))
    sell_hours(
        sales=[
            HourSale(capacity.pk, hour(0), hour(3), 2),
            HourSale(capacity.pk, hour(2), hour(4), 5),
        ]
    )
    assert sold(capacity) == [2, 2, 7, 5]


def test_each_capacity_sells_its_own_hours() -> None:
    first, second = CapacityFactory(ends_at=hour(2)), CapacityFactory(ends_at=hour(2))
    sell_hours(sales=[HourSale(first.pk, hour(0), hour(1), 3), HourSale(second.pk, hour(1), hour(2), 4)])
    assert (sold(first), sold(second)) == ([3, 0], [0, 4])


def test_selling_more_than_is_left_sells_nothing_and_names_the_hour() -> None:
    capacity = CapacityFactory(units=8, ends_at=hour(3))
    sell_hours(sales=[HourSale(capacity.pk, hour(1), hour(2), 6)])
    with pytest.raises(Oversold, match=r"has 2 units left at 2026-06-01 05:00 UTC; 3 were"):
        sell_hours(sales=[HourSale(capacity.pk, hour(0), hour(3), 3)])
    assert sold(capacity) == [0, 6, 0]


def test_two_sales_of_one_call_cannot_share_the_last_unit() -> None:
    capacity = CapacityFactory(units=1, ends_at=hour(1))
    with pytest.raises(Oversold):
        sell_hours(sales=[HourSale(capacity.pk, hour(0), hour(1), 1)] * 2)
    assert sold(capacity) == [0]


def test_an_hour_outside_the_period_is_not_on_sale() -> None:
    capacity = CapacityFactory(ends_at=hour(2))
    with pytest.raises(NotOnSale, match="1 of the hours"):
        sell_hours(sales=[HourSale(capacity.pk, hour(0), hour(3), 1)])
    assert sold(capacity) == [0, 0]


@pytest.mark.parametrize("status", [Capacity.Status.PAUSED, Capacity.Status.WITHDRAWN])
def test_a_capacity_that_is_not_active_does_not_sell(status: Capacity.Status) -> None:
    capacity = CapacityFactory(status=status, ends_at=hour(1))
    with pytest.raises(NotOnSale):
        sell_hours(sales=[HourSale(capacity.pk, hour(0), hour(1), 1)])


def test_ten_thousand_sales_are_a_handful_of_statements(django_assert_max_num_queries) -> None:
    capacities = [CapacityFactory(units=10_000, ends_at=hour(24), pool__units=10_000) for _ in range(5)]
    sales = [HourSale(capacities[n % 5].pk, hour(n % 20), hour(n % 20 + 4), 1 + n % 3) for n in range(10_000)]
    with django_assert_max_num_queries(6):
        sell_hours(sales=sales)
    expected = sum(4 * sale.units for sale in sales)
    assert sum(CapacityHour.objects.values_list("sold", flat=True)) == expected


@pytest.mark.parametrize(("last", "units"), [(2, 0), (2, -1), (1, 1), (0, 1)])
def test_a_sale_of_nothing_is_a_mistake(last: int, units: int) -> None:
    with pytest.raises(ValueError, match="at least one unit in at least one slot"):
        HourSale(1, hour(1), hour(last), units)
