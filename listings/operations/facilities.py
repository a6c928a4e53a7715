"""Where a provider's accelerators are, and how many."""

import datetime
from decimal import Decimal
from typing import TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from listings.errors import AlreadySold, PoolOvercommitted, constraint_of
from listings.models import Accelerator, CapacityHour, Facility, Pool
from listings.operations.guard import clean, insert, require_own, require_provider
from listings.queries import most_committed
from listings.slots import shown, slot_of


class FacilityFields(TypedDict):
    name_zh: str
    name_en: str
    kind: str
    city: str
    hub: str
    jurisdiction: str
    pue: Decimal
    green_percent: int


# What a buyer chose a facility for: it stays as it was once an hour has been sold.
PLACE = ("kind", "city", "hub", "jurisdiction")


@transaction.atomic
def add_facility(
    *, actor: Actor, now: datetime.datetime, illustrative: bool = False, **fields: Unpack[FacilityFields]
) -> Facility:
    """Add a facility to the actor's organisation."""
    facility = Facility(provider=require_provider(actor), illustrative=illustrative, **fields)
    insert(facility)
    record(actor=actor, verb="add", subject=facility, now=now)
    return facility


@transaction.atomic
def edit_facility(
    *, actor: Actor, facility: Facility, now: datetime.datetime, **fields: Unpack[FacilityFields]
) -> Facility:
    """Correct a facility. Where it is, and of what kind, stays once an hour of it has been sold."""
    require_own(actor, facility.provider)
    facility = Facility.objects.select_for_update(no_key=True).get(pk=facility.pk)
    changed = {name: value for name, value in fields.items() if value != getattr(facility, name)}
    has_sold = CapacityHour.objects.filter(capacity__pool__facility=facility, sold__gt=0).exists()
    if has_sold and changed.keys() & set(PLACE):
        raise AlreadySold(
            _(
                "Hours of this facility have been sold, so its kind, city, hub and jurisdiction cannot "
                "change. Add another facility instead."
            )
        )
    for name, value in changed.items():
        setattr(facility, name, value)
    clean(facility)
    facility.save(update_fields=changed)
    record(
        actor=actor, verb="edit", subject=facility, detail={k: str(v) for k, v in changed.items()}, now=now
    )
    return facility


@transaction.atomic
def add_pool(
    *, actor: Actor, facility: Facility, accelerator: Accelerator, units: int, now: datetime.datetime
) -> Pool:
    """Add the units of one accelerator at a facility."""
    require_own(actor, facility.provider)
    pool = Pool(facility=facility, accelerator=accelerator, units=units)
    insert(pool)
    record(actor=actor, verb="add", subject=pool, detail={"units": units}, now=now)
    return pool


@transaction.atomic
def resize_pool(*, actor: Actor, pool: Pool, units: int, now: datetime.datetime) -> Pool:
    """Change how many units a pool has, from this slot on: never below what it has listed or sold."""
    require_own(actor, pool.facility.provider)
    pool = Pool.objects.select_for_update(no_key=True).get(pk=pool.pk)
    before = pool.units
    pool.units, pool.units_since = units, slot_of(now)
    clean(pool)
    try:
        with transaction.atomic():
            pool.save(update_fields=["units", "units_since"])
    except IntegrityError as error:
        if constraint_of(error) != "pool_never_overcommitted":
            raise
        most = most_committed(pool=pool, first_slot=slot_of(now))
        raise PoolOvercommitted(
            _(
                "%(committed)s units are listed or sold at %(slot)s, so the pool cannot have fewer. "
                "Withdraw capacity first."
            )
            % {"committed": most.units, "slot": shown(most.slot)}
        ) from error
    record(actor=actor, verb="resize", subject=pool, detail={"from": before, "to": units}, now=now)
    return pool
