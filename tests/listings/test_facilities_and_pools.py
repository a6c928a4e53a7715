import datetime
from decimal import Decimal

import pytest

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Jurisdiction, Member, Organisation
from listings.errors import AlreadySold, PoolOvercommitted
from listings.models import CapacityHour, Facility, Hub, Pool
from listings.operations import add_facility, add_pool, edit_facility, resize_pool, withdraw_capacity
from tests.factories.listings import AcceleratorFactory, CapacityFactory, hour
from tests.listings.conftest import acting

pytestmark = pytest.mark.django_db

SHAOGUAN = {
    "name_zh": "韶关智算中心",
    "name_en": "Shaoguan Intelligent Computing Centre",
    "kind": Facility.Kind.INTELLIGENT,
    "city": "Shaoguan",
    "hub": Hub.GREATER_BAY,
    "jurisdiction": Jurisdiction.MAINLAND,
    "pue": Decimal("1.25"),
    "green_percent": 40,
}


def test_a_provider_adds_a_facility_and_a_pool(actor: Actor, now: datetime.datetime) -> None:
    facility = add_facility(actor=actor, now=now, **SHAOGUAN)
    pool = add_pool(actor=actor, facility=facility, accelerator=AcceleratorFactory(), units=512, now=now)
    assert (facility.provider, pool.units) == (actor.organisation, 512)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"pue": Decimal("0.9")}, "PUE"),
        ({"green_percent": 101}, "green power"),
        ({"kind": "garage"}, "kind"),
        ({"hub": "shanghai"}, "national hub"),
    ],
)
def test_a_facility_that_cannot_be_is_refused_by_the_field_at_fault(
    actor: Actor, now: datetime.datetime, changed: dict[str, object], reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        add_facility(actor=actor, now=now, **SHAOGUAN | changed)


def test_names_and_pools_come_once(actor: Actor, pool: Pool, now: datetime.datetime) -> None:
    add_facility(actor=actor, now=now, **SHAOGUAN)
    with pytest.raises(InvalidInput, match="of this name already"):
        add_facility(actor=actor, now=now, **SHAOGUAN)
    with pytest.raises(InvalidInput, match="Change its units instead"):
        add_pool(actor=actor, facility=pool.facility, accelerator=pool.accelerator, units=1, now=now)


def test_a_place_stays_once_it_has_sold(actor: Actor, pool: Pool, now: datetime.datetime) -> None:
    facility = pool.facility
    fields = {name: getattr(facility, name) for name in SHAOGUAN}
    edit_facility(actor=actor, facility=facility, now=now, **fields | {"city": "Guiyang", "hub": Hub.GUIZHOU})
    CapacityHour.objects.filter(capacity=CapacityFactory(pool=pool)).update(sold=1)
    fields |= {"city": "Guiyang", "hub": Hub.GUIZHOU, "pue": Decimal("1.15")}
    assert edit_facility(actor=actor, facility=facility, now=now, **fields).pue == Decimal("1.15")
    with pytest.raises(AlreadySold):
        edit_facility(actor=actor, facility=facility, now=now, **fields | {"city": "Zunyi"})


def test_a_pool_does_not_shrink_below_what_it_lists(actor: Actor, pool: Pool, now: datetime.datetime) -> None:
    CapacityFactory(pool=pool, units=5)
    with pytest.raises(PoolOvercommitted, match="5 units are listed or sold at 2026-06-01 04:00 UTC"):
        resize_pool(actor=actor, pool=pool, units=4, now=now)
    assert resize_pool(actor=actor, pool=pool, units=5, now=now).units == 5
    assert resize_pool(actor=actor, pool=pool, units=99, now=now).units == 99


def test_a_pool_does_not_shrink_below_what_withdrawn_capacity_has_sold(
    actor: Actor, pool: Pool, now: datetime.datetime
) -> None:
    capacity = CapacityFactory(pool=pool, units=5)
    CapacityHour.objects.filter(capacity=capacity, slot=hour(7)).update(sold=3)
    withdraw_capacity(actor=actor, capacity=capacity, now=now)
    with pytest.raises(PoolOvercommitted, match="3 units are listed or sold at 2026-06-01 11:00"):
        resize_pool(actor=actor, pool=pool, units=2, now=now)
    assert resize_pool(actor=actor, pool=pool, units=3, now=now).units == 3


def test_hours_that_have_passed_do_not_keep_a_pool_from_shrinking(
    actor: Actor, pool: Pool, now: datetime.datetime
) -> None:
    CapacityFactory(pool=pool, units=8, ends_at=hour(3))
    assert resize_pool(actor=actor, pool=pool, units=2, now=hour(3)).units == 2


def test_others_change_neither_facility_nor_pool(
    engineer: Member, stranger: Member, pool: Pool, now: datetime.datetime
) -> None:
    for outsider in (acting(engineer), acting(stranger)):
        with pytest.raises(NotAllowed):
            add_pool(
                actor=outsider, facility=pool.facility, accelerator=AcceleratorFactory(), units=1, now=now
            )
        with pytest.raises(NotAllowed):
            resize_pool(actor=outsider, pool=pool, units=1, now=now)
        with pytest.raises(NotAllowed):
            edit_facility(actor=outsider, facility=pool.facility, now=now, **SHAOGUAN)
    with pytest.raises(NotAllowed):
        add_facility(actor=acting(engineer), now=now, **SHAOGUAN)


def test_who_only_buys_adds_no_facility(owner: Member, now: datetime.datetime) -> None:
    assert owner.organisation.activity == Organisation.Activity.BUY
    with pytest.raises(NotAllowed, match="only buys"):
        add_facility(actor=acting(owner), now=now, **SHAOGUAN)
