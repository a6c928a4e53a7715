"""A provider's offer of units over a period: listed, edited while unsold, paused, resumed, withdrawn."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.permissions import require_verified
from listings.errors import AlreadySold, PoolOvercommitted, WrongStatus, constraint_of
from listings.models import Capacity, Pool
from listings.operations.guard import clean, refuse_frozen, require_own
from listings.queries import most_committed
from listings.slots import is_slot, shown, slot_of

LONGEST_PERIOD = datetime.timedelta(days=366)
INSERT_HOURS = """
    INSERT INTO listings_capacityhour (capacity_id, slot, units, sold)
    SELECT %s, slot, %s, 0
    FROM generate_series(%s::timestamptz, %s::timestamptz - interval '1 hour', interval '1 hour') AS slot
"""


@transaction.atomic
def list_capacity(
    *,
    actor: Actor,
    pool: Pool,
    units: int,
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    reserve_price: int,
    now: datetime.datetime,
) -> Capacity:
    """Offer `units` of a pool in every slot of [starts_at, ends_at) at a reserve price in fen per unit-hour.

    Raises InvalidInput for a period that is past, too long or not on the hour; PoolOvercommitted where the
    pool has fewer units that are not already listed or sold.
    """
    require_own(actor, pool.facility.provider)
    require_verified(pool.facility.provider)
    if starts_at < slot_of(now):
        raise InvalidInput(_("The period begins in the past. Begin it with the current hour or later."))
    pool = Pool.objects.select_for_update(no_key=True).get(pk=pool.pk)
    capacity = Capacity(
        pool=pool,
        units=units,
        starts_at=starts_at,
        ends_at=ends_at,
        reserve_price=reserve_price,
        created_by=actor.user,
        created_at=now,
        status_since=now,
    )
    _require_period(capacity)
    clean(capacity)
    with _fitting_the_pool(capacity, since=starts_at):
        capacity.save()
        _insert_hours(capacity, since=starts_at)
    record(actor=actor, verb="list", subject=capacity, detail=_terms(capacity), now=now)
    return capacity


@transaction.atomic
def edit_capacity(
    *,
    actor: Actor,
    capacity: Capacity,
    units: int,
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    reserve_price: int,
    now: datetime.datetime,
) -> Capacity:
    """Change what an unsold capacity offers from this slot on; hours that have passed stay as they were."""
    capacity = _claim(actor, capacity)
    if capacity.status == Capacity.Status.WITHDRAWN:
        raise WrongStatus(_("This capacity was withdrawn. List a new one instead."))
    if capacity.hours.filter(sold__gt=0).exists():
        raise AlreadySold(
            _("Hours of this capacity have been sold. Withdraw what is left of it, and list it anew.")
        )
    current = slot_of(now)
    if starts_at != capacity.starts_at and min(starts_at, capacity.starts_at) < current:
        raise InvalidInput(
            _("A beginning that has passed cannot be changed, nor can one be set in the past.")
        )
    if ends_at <= current:
        raise InvalidInput(_("The period ends in the past. Withdraw the capacity instead."))
    capacity.units, capacity.reserve_price = units, reserve_price
    capacity.starts_at, capacity.ends_at = starts_at, ends_at
    _require_period(capacity)
    clean(capacity)
    since = max(starts_at, current)
    with _fitting_the_pool(capacity, since=since):
        capacity.hours.filter(slot__gte=current).delete()
        capacity.save(update_fields=["units", "reserve_price", "starts_at", "ends_at"])
        _insert_hours(capacity, since=since)
    record(actor=actor, verb="edit", subject=capacity, detail=_terms(capacity), now=now)
    return capacity


@transaction.atomic
def pause_capacity(*, actor: Actor, capacity: Capacity, now: datetime.datetime) -> Capacity:
    """Take what is unsold off the market for a while. What is sold stays sold."""
    capacity = _claim(actor, capacity)
    if capacity.status != Capacity.Status.ACTIVE:
        raise WrongStatus(_("Only active capacity can be paused."))
    return _set_status(actor, capacity, Capacity.Status.PAUSED, "pause", now)


@transaction.atomic
def resume_capacity(*, actor: Actor, capacity: Capacity, now: datetime.datetime) -> Capacity:
    """Offer paused capacity again, where its pool still has the units. Raises PoolOvercommitted."""
    capacity = _claim(actor, capacity)
    if capacity.status != Capacity.Status.PAUSED:
        raise WrongStatus(_("Only paused capacity can be resumed."))
    _forget_hours_paused(capacity, now)
    with _fitting_the_pool(capacity, since=slot_of(now)):
        return _set_status(actor, capacity, Capacity.Status.ACTIVE, "resume", now)


@transaction.atomic
def withdraw_capacity(*, actor: Actor, capacity: Capacity, now: datetime.datetime) -> Capacity:
    """Take what is unsold off the market for good. What is sold stays sold."""
    capacity = _claim(actor, capacity)
    if capacity.status == Capacity.Status.WITHDRAWN:
        raise WrongStatus(_("This capacity was withdrawn before."))
    return _set_status(actor, capacity, Capacity.Status.WITHDRAWN, "withdraw", now)


def _claim(actor: Actor, capacity: Capacity) -> Capacity:
    """The actor's own capacity as it now stands, locked after its pool: sales and rounds wait for us."""
    require_own(actor, capacity.pool.facility.provider)
    Pool.objects.select_for_update(no_key=True).get(pk=capacity.pool_id)
    capacity = Capacity.objects.select_for_update(no_key=True).get(pk=capacity.pk)
    refuse_frozen(capacity)
    return capacity


def _set_status(
    actor: Actor, capacity: Capacity, status: Capacity.Status, verb: str, now: datetime.datetime
) -> Capacity:
    capacity.status, capacity.status_since = status, now
    capacity.save(update_fields=["status", "status_since"])
    record(actor=actor, verb=verb, subject=capacity, now=now)
    return capacity


def _forget_hours_paused(capacity: Capacity, now: datetime.datetime) -> None:
    """The hours that passed during the pause were not on offer beyond what had been sold."""
    passed = capacity.hours.filter(slot__gte=slot_of(capacity.status_since), slot__lt=slot_of(now))
    passed.update(units=F("sold"))


def _require_period(capacity: Capacity) -> None:
    if not (is_slot(capacity.starts_at) and is_slot(capacity.ends_at)):
        raise InvalidInput(_("A period begins and ends on the hour."))
    if capacity.ends_at <= capacity.starts_at:
        raise InvalidInput(_("A period ends after it begins."))
    if capacity.ends_at - capacity.starts_at > LONGEST_PERIOD:
        raise InvalidInput(_("A period lasts at most %(days)s days.") % {"days": LONGEST_PERIOD.days})


def _insert_hours(capacity: Capacity, *, since: datetime.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT_HOURS, [capacity.pk, capacity.units, since, capacity.ends_at])


@contextmanager
def _fitting_the_pool(capacity: Capacity, *, since: datetime.datetime) -> Iterator[None]:
    """A savepoint that turns the database's refusal to overcommit the pool into what the provider can do."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if constraint_of(error) != "pool_never_overcommitted":
            raise
        pool = capacity.pool
        others = most_committed(pool=pool, first_slot=since, last_slot=capacity.ends_at, besides=capacity)
        raise PoolOvercommitted(
            _(
                "The pool has %(units)s units, and %(committed)s of them are listed or sold at %(slot)s. "
                "List at most %(free)s."
            )
            % {
                "units": pool.units,
                "committed": others.units,
                "slot": shown(others.slot),
                "free": max(0, pool.units - others.units),
            }
        ) from error


def _terms(capacity: Capacity) -> dict[str, object]:
    fields = ("units", "starts_at", "ends_at", "reserve_price")
    return {field: getattr(capacity, field) for field in fields}
