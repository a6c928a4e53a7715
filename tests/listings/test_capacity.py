import datetime
from datetime import timedelta

import pytest

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import AuditEvent, Member, Organisation
from accounts.permissions import NotVerified
from listings.errors import AlreadySold, InRound, PoolOvercommitted, WrongStatus
from listings.models import Capacity, Pool
from listings.operations import (
    HourSale,
    edit_capacity,
    freeze_capacities,
    list_capacity,
    pause_capacity,
    resume_capacity,
    sell_hours,
    thaw_capacities,
    withdraw_capacity,
)
from listings.queries import open_hours
from tests.factories.listings import hour
from tests.listings.conftest import acting

pytestmark = pytest.mark.django_db


def offer(actor: Actor, pool: Pool, now: datetime.datetime, **changed: object) -> Capacity:
    terms = {"units": 8, "starts_at": hour(1), "ends_at": hour(5), "reserve_price": 1200} | changed
    return list_capacity(actor=actor, pool=pool, now=now, **terms)


def edit(actor: Actor, capacity: Capacity, now: datetime.datetime, **changed: object) -> Capacity:
    fields = ("units", "starts_at", "ends_at", "reserve_price")
    terms = {field: getattr(capacity, field) for field in fields} | changed
    return edit_capacity(actor=actor, capacity=capacity, now=now, **terms)


def hours_of(capacity: Capacity) -> list[tuple[datetime.datetime, int, int]]:
    return list(capacity.hours.order_by("slot").values_list("slot", "units", "sold"))


def test_listing_offers_every_hour_of_the_period(actor: Actor, pool: Pool, now: datetime.datetime) -> None:
    capacity = offer(actor, pool, now, units=3)
    assert hours_of(capacity) == [(hour(count), 3, 0) for count in range(1, 5)]
    event = AuditEvent.objects.get(subject_type="listings.capacity", subject_id=capacity.pk)
    assert (event.verb, event.user, event.detail["reserve_price"]) == ("list", actor.user, 1200)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"starts_at": hour(1) + timedelta(minutes=30)}, "on the hour"),
        ({"starts_at": hour(-1)}, "in the past"),
        ({"ends_at": hour(1)}, "ends after it begins"),
        ({"ends_at": hour(1 + 24 * 367)}, "at most 366 days"),
        ({"units": 0}, "greater than or equal to 1"),
        ({"reserve_price": 0}, "greater than or equal to 1"),
    ],
)
def test_terms_that_make_no_sense_are_refused(
    actor: Actor, pool: Pool, now: datetime.datetime, changed: dict[str, object], reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        offer(actor, pool, now, **changed)
    assert not Capacity.objects.exists()


def test_capacity_may_begin_in_the_current_hour(actor: Actor, pool: Pool, now: datetime.datetime) -> None:
    capacity = offer(actor, pool, now + timedelta(minutes=59), starts_at=hour(0))
    assert hours_of(capacity)[0][0] == hour(0)


def test_a_pool_does_not_list_more_than_it_has(actor: Actor, pool: Pool, now: datetime.datetime) -> None:
    offer(actor, pool, now, units=5)
    with pytest.raises(PoolOvercommitted, match=r"8 units, and 5 of them .* List at most 3\."):
        offer(actor, pool, now, units=4, starts_at=hour(4), ends_at=hour(6))
    offer(actor, pool, now, units=3, starts_at=hour(4), ends_at=hour(6))
    offer(actor, pool, now, units=8, starts_at=hour(6), ends_at=hour(7))


def test_unsold_capacity_can_be_edited(actor: Actor, pool: Pool, now: datetime.datetime) -> None:
    capacity = offer(actor, pool, now)
    edit(actor, capacity, now, units=2, starts_at=hour(2), ends_at=hour(4), reserve_price=900)
    capacity.refresh_from_db()
    assert capacity.reserve_price == 900
    assert hours_of(capacity) == [(hour(2), 2, 0), (hour(3), 2, 0)]


def test_an_edit_leaves_the_hours_that_have_passed(actor: Actor, pool: Pool, now: datetime.datetime) -> None:
    capacity = offer(actor, pool, now)
    edit(actor, capacity, hour(3), units=2)
    assert [units for _, units, _ in hours_of(capacity)] == [8, 8, 2, 2]
    with pytest.raises(InvalidInput, match="has passed"):
        edit(actor, capacity, hour(3), starts_at=hour(4))


def test_an_edit_cannot_take_units_that_are_listed_elsewhere(
    actor: Actor, pool: Pool, now: datetime.datetime
) -> None:
    offer(actor, pool, now, units=5)
    capacity = offer(actor, pool, now, units=3)
    with pytest.raises(PoolOvercommitted, match=r"List at most 3\."):
        edit(actor, capacity, now, units=4)
    capacity.refresh_from_db()
    assert (capacity.units, hours_of(capacity)[0][1]) == (3, 3)


def test_sold_capacity_cannot_be_edited(actor: Actor, pool: Pool, now: datetime.datetime) -> None:
    capacity = offer(actor, pool, now)
    sell_hours(sales=[HourSale(capacity.pk, hour(1), hour(2), 1)])
    with pytest.raises(AlreadySold):
        edit(actor, capacity, now, reserve_price=1)


def test_what_is_paused_is_not_open_and_its_units_can_be_listed_anew(
    actor: Actor, pool: Pool, now: datetime.datetime
) -> None:
    capacity = offer(actor, pool, now)
    pause_capacity(actor=actor, capacity=capacity, now=now)
    assert not open_hours(first_slot=now, slots=24)
    other = offer(actor, pool, now, units=1)
    with pytest.raises(PoolOvercommitted):
        resume_capacity(actor=actor, capacity=capacity, now=now)
    withdraw_capacity(actor=actor, capacity=other, now=now)
    resume_capacity(actor=actor, capacity=capacity, now=now)
    assert len(open_hours(first_slot=now, slots=24)) == 4


def test_resuming_does_not_offer_the_hours_of_the_pause(
    actor: Actor, pool: Pool, now: datetime.datetime
) -> None:
    capacity = offer(actor, pool, now)
    sell_hours(sales=[HourSale(capacity.pk, hour(2), hour(3), 1)])
    pause_capacity(actor=actor, capacity=capacity, now=hour(2))
    meanwhile = offer(actor, pool, hour(2), units=7, starts_at=hour(2), ends_at=hour(3))
    resume_capacity(actor=actor, capacity=capacity, now=hour(3))
    assert [units for _, units, _ in hours_of(capacity)] == [8, 1, 8, 8]
    assert meanwhile.status == Capacity.Status.ACTIVE


def test_a_sold_hour_survives_withdrawal_and_still_takes_its_units(
    actor: Actor, pool: Pool, now: datetime.datetime
) -> None:
    capacity = offer(actor, pool, now)
    sell_hours(sales=[HourSale(capacity.pk, hour(1), hour(2), 5)])
    withdraw_capacity(actor=actor, capacity=capacity, now=now)
    assert hours_of(capacity)[0] == (hour(1), 8, 5)
    with pytest.raises(PoolOvercommitted, match=r"5 of them are listed or sold .* List at most 3\."):
        offer(actor, pool, now, units=4)
    offer(actor, pool, now, units=3)


def test_withdrawal_is_final(actor: Actor, pool: Pool, now: datetime.datetime) -> None:
    capacity = offer(actor, pool, now)
    withdraw_capacity(actor=actor, capacity=capacity, now=now)
    for step in (pause_capacity, resume_capacity, withdraw_capacity):
        with pytest.raises(WrongStatus):
            step(actor=actor, capacity=capacity, now=now)
    with pytest.raises(WrongStatus):
        edit(actor, capacity, now, units=1)


def test_nothing_changes_under_a_round(actor: Actor, pool: Pool, now: datetime.datetime) -> None:
    capacity = offer(actor, pool, now)
    freeze_capacities(first_slot=now, slots=24)
    for step in (pause_capacity, withdraw_capacity):
        with pytest.raises(InRound):
            step(actor=actor, capacity=capacity, now=now)
    with pytest.raises(InRound):
        edit(actor, capacity, now, units=1)
    sell_hours(sales=[HourSale(capacity.pk, hour(1), hour(2), 8)])
    thaw_capacities()
    assert pause_capacity(actor=actor, capacity=capacity, now=now).status == Capacity.Status.PAUSED


def test_only_the_providers_own_members_with_the_role_change_capacity(
    actor: Actor, engineer: Member, stranger: Member, pool: Pool, now: datetime.datetime
) -> None:
    capacity = offer(actor, pool, now)
    for outsider in (acting(engineer), acting(stranger)):
        with pytest.raises(NotAllowed):
            offer(outsider, pool, now)
        with pytest.raises(NotAllowed):
            edit(outsider, capacity, now, units=1)
        for step in (pause_capacity, resume_capacity, withdraw_capacity):
            with pytest.raises(NotAllowed):
                step(actor=outsider, capacity=capacity, now=now)
    assert Capacity.objects.get().status == Capacity.Status.ACTIVE


def test_a_provider_must_be_verified(actor: Actor, pool: Pool, now: datetime.datetime) -> None:
    provider = pool.facility.provider
    provider.verification = Organisation.Verification.PENDING
    provider.save()
    with pytest.raises(NotVerified):
        offer(actor, pool, now)
