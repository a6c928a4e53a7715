"""One unit is never promised twice in a slot: with the guard off the harm happens, with it on it does not."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pgtrigger
import pytest
from django.db import IntegrityError, connection, transaction

from accounts.audit import Actor
from accounts.models import Member, Organisation, Role
from listings.errors import Oversold, PoolOvercommitted
from listings.models import Capacity, CapacityHour, Pool
from listings.operations import HourSale, list_capacity, pause_capacity, sell_hours
from listings.queries import most_committed
from tests.factories.accounts import MemberFactory
from tests.factories.listings import NOW, CapacityFactory, PoolFactory, hour
from tests.faults.races import at_once
from tests.listings.conftest import acting

pytestmark = pytest.mark.django_db(transaction=True)

BUYERS = 50
LISTED_FITS = "listings.CapacityHour:listed_fits_the_pool"
ONLY_ACTIVE_SELLS = "listings.CapacityHour:only_active_sells"
SHRUNK_FITS = "listings.Pool:keeps_what_it_committed"
PROMISED_STAY_SOLD = "trading.PromisedHour:promised_units_stay_sold"
RESUMED_FITS = "listings.Capacity:resumed_fits_the_pool"


def together(count: int, act: Callable[[int], None]) -> list[Exception]:
    """Do `act` `count` times at once; what was refused."""
    refusals = (Oversold, PoolOvercommitted, IntegrityError)
    acts = [partial(act, number) for number in range(count)]
    return [refusal for refusal in at_once(acts, refusals=refusals) if refusal]


@contextmanager
def without_check() -> Iterator[None]:
    check = next(c for c in CapacityHour._meta.constraints if c.name == "capacity_hour_never_oversold")
    with connection.schema_editor() as editor:
        editor.remove_constraint(CapacityHour, check)
    try:
        yield
    finally:
        with pgtrigger.ignore(PROMISED_STAY_SOLD):
            CapacityHour.objects.update(sold=0)
        with connection.schema_editor() as editor:
            editor.add_constraint(CapacityHour, check)


@pytest.fixture
def last_unit_hour() -> CapacityHour:
    return CapacityFactory(units=1, ends_at=hour(1), pool__units=1).hours.get()


@pytest.fixture
def pool(provider: Organisation) -> Pool:
    return PoolFactory(facility__provider=provider, units=8)


@pytest.fixture
def actor(provider: Organisation) -> Actor:
    seller: Member = MemberFactory(organisation=provider, role=Role.OWNER)
    return acting(seller)


def buy(last: CapacityHour) -> None:
    sell_hours(sales=[HourSale(last.capacity_id, last.slot, hour(1), 1)])


def committed(pool: Pool) -> int:
    return most_committed(pool=pool, first_slot=NOW).units


def test_without_the_check_two_hundred_buyers_share_the_last_unit_hour(last_unit_hour: CapacityHour) -> None:
    with without_check():
        assert together(200, lambda _: buy(last_unit_hour)) == []
        last_unit_hour.refresh_from_db()
        assert last_unit_hour.sold == 200


def test_two_hundred_buyers_of_the_last_unit_hour_leave_one_with_it(last_unit_hour: CapacityHour) -> None:
    refusals = together(200, lambda _: buy(last_unit_hour))
    last_unit_hour.refresh_from_db()
    assert last_unit_hour.sold == 1
    assert [type(refusal) for refusal in refusals] == [Oversold] * 199


def test_five_hundred_buyers_of_fifty_units_leave_none_unsold_and_none_sold_twice() -> None:
    fifty = CapacityFactory(units=50, ends_at=hour(1), pool__units=50).hours.get()
    refusals = together(500, lambda _: buy(fifty))
    fifty.refresh_from_db()
    assert fifty.sold == 50
    assert [type(refusal) for refusal in refusals] == [Oversold] * 450


def test_without_the_check_five_hundred_buyers_share_fifty_units() -> None:
    fifty = CapacityFactory(units=50, ends_at=hour(1), pool__units=50).hours.get()
    with without_check():
        assert together(500, lambda _: buy(fifty)) == []
        fifty.refresh_from_db()
        assert fifty.sold == 500


def test_fifty_buyers_of_overlapping_hours_get_exactly_what_is_sold() -> None:
    capacity = CapacityFactory(units=8, ends_at=hour(6))
    bought: list[HourSale] = []

    def buy_three_hours(number: int) -> None:
        first = number % 4
        sale = HourSale(capacity.pk, hour(first), hour(first + 3), 1 + number % 2)
        sell_hours(sales=[sale])
        bought.append(sale)

    refusals = together(BUYERS, buy_three_hours)
    assert len(bought) + len(refusals) == BUYERS
    assert refusals
    for slot, sold in capacity.hours.values_list("slot", "sold"):
        assert sold == sum(sale.units for sale in bought if sale.first_slot <= slot < sale.last_slot) <= 8


def test_without_the_trigger_two_listings_promise_the_same_units(pool: Pool) -> None:
    def offer(_: int) -> None:
        with pgtrigger.ignore(LISTED_FITS):
            CapacityFactory(pool=pool, units=8)

    assert together(2, offer) == []
    assert committed(pool) == 16


def test_of_two_listings_of_the_same_units_the_database_refuses_one(pool: Pool) -> None:
    def offer(_: int) -> None:
        with transaction.atomic():
            CapacityFactory(pool=pool, units=8)

    (refusal,) = together(2, offer)
    assert "pool_never_overcommitted" in str(refusal.__cause__.diag.constraint_name)
    assert committed(pool) == 8


def test_a_listing_waits_for_one_that_is_not_yet_committed(pool: Pool) -> None:
    """Summing without the pool's lock would not see the other's rows."""
    inserted, refused = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic():
            CapacityFactory(pool=pool, units=8)
            inserted.set()
            assert not refused.wait(timeout=1), "the second listing was decided before the first was"

    def second() -> None:
        inserted.wait(timeout=30)
        try:
            with transaction.atomic():
                CapacityFactory(pool=pool, units=1)
        finally:
            refused.set()

    (refusal,) = together(2, lambda number: (first, second)[number]())
    assert isinstance(refusal, IntegrityError)
    assert committed(pool) == 8


def test_fifty_listings_fill_a_pool_and_no_more(actor: Actor, pool: Pool) -> None:
    refusals = together(
        BUYERS,
        lambda n: (
            list_capacity(
                actor=actor, pool=pool, units=1, starts_at=NOW, ends_at=hour(2), reserve_price=1 + n, now=NOW
            )
            and None
        ),
    )
    assert [type(refusal) for refusal in refusals] == [PoolOvercommitted] * (BUYERS - 8)
    assert (Capacity.objects.count(), committed(pool)) == (8, 8)


def sell_past_the_operation(capacity: Capacity) -> None:
    CapacityHour.objects.filter(capacity=capacity).update(sold=8)


def test_without_the_trigger_a_paused_capacity_sells_units_that_are_listed_anew(
    actor: Actor, pool: Pool
) -> None:
    capacity = CapacityFactory(pool=pool, units=8)
    pause_capacity(actor=actor, capacity=capacity, now=NOW)
    CapacityFactory(pool=pool, units=8)
    with pgtrigger.ignore(ONLY_ACTIVE_SELLS):
        sell_past_the_operation(capacity)
    assert committed(pool) == 16


def test_the_database_refuses_to_sell_a_paused_capacity(actor: Actor, pool: Pool) -> None:
    capacity = CapacityFactory(pool=pool, units=8)
    pause_capacity(actor=actor, capacity=capacity, now=NOW)
    CapacityFactory(pool=pool, units=8)
    with pytest.raises(IntegrityError, match="is not active"):
        sell_past_the_operation(capacity)
    assert committed(pool) == 8


def test_pausing_waits_for_a_sale_that_is_not_yet_committed(actor: Actor, pool: Pool) -> None:
    capacity = CapacityFactory(pool=pool, units=8)
    sold, listed = threading.Event(), threading.Event()

    def sale() -> None:
        with transaction.atomic():
            sell_past_the_operation(capacity)
            sold.set()
            assert not listed.wait(timeout=1), "the pause did not wait"

    def pause_and_list_anew() -> None:
        sold.wait(timeout=30)
        try:
            pause_capacity(actor=actor, capacity=capacity, now=NOW)
            CapacityFactory(pool=pool, units=8)
        finally:
            listed.set()

    (refusal,) = together(2, lambda number: (sale, pause_and_list_anew)[number]())
    assert isinstance(refusal, IntegrityError)
    assert committed(pool) == 8


def test_resuming_and_shrinking_are_guarded_too(actor: Actor, pool: Pool) -> None:
    capacity = CapacityFactory(pool=pool, units=8)
    pause_capacity(actor=actor, capacity=capacity, now=NOW)
    CapacityFactory(pool=pool, units=8)
    paused = Capacity.objects.filter(pk=capacity.pk)
    with pgtrigger.ignore(RESUMED_FITS):
        paused.update(status=Capacity.Status.ACTIVE)
        assert committed(pool) == 16
        paused.update(status=Capacity.Status.PAUSED)
    with pytest.raises(IntegrityError, match="would be committed"):
        paused.update(status=Capacity.Status.ACTIVE)

    with pgtrigger.ignore(SHRUNK_FITS):
        Pool.objects.filter(pk=pool.pk).update(units=7)
        Pool.objects.filter(pk=pool.pk).update(units=8)
    with pytest.raises(IntegrityError, match="would be committed"):
        Pool.objects.filter(pk=pool.pk).update(units=7)


def test_a_sold_hour_cannot_be_deleted_nor_moved(pool: Pool) -> None:
    capacity = CapacityFactory(pool=pool, units=8)
    sold = capacity.hours.filter(slot=hour(0))
    sold.update(sold=1)
    for change in (sold.delete, lambda: sold.update(slot=hour(99))):
        with pytest.raises(Exception, match="pgtrigger: Cannot"):
            change()
    with pytest.raises(Exception, match="pgtrigger: Cannot"):
        Capacity.objects.filter(pk=capacity.pk).update(pool=PoolFactory())
    assert sold.get().sold == 1
