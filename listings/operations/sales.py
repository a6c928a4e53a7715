"""What rounds do to the listings: freeze, sell, thaw; and what was sold is freed where a contract ended."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from listings.errors import NotOnSale, Oversold, WrongStatus, constraint_of
from listings.models import Algorithm, Capacity, LicencePlan
from listings.operations.guard import refuse_frozen
from listings.queries import open_hours
from listings.slots import SLOT, shown

SALE = """
WITH sale AS (
    SELECT capacity_id, slot, sum(units)::int AS units
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::int[])
         AS row (capacity_id, first_slot, last_slot, units)
    CROSS JOIN LATERAL
         generate_series(first_slot, last_slot - interval '1 hour', interval '1 hour') AS slot
    GROUP BY capacity_id, slot
)"""
SELL = f"""{SALE}, sold AS (
    UPDATE listings_capacityhour AS hour SET sold = hour.sold + sale.units
    FROM sale WHERE hour.capacity_id = sale.capacity_id AND hour.slot = sale.slot
    RETURNING 1
)
SELECT (SELECT count(*) FROM sale) - (SELECT count(*) FROM sold)"""
FREE = f"""{SALE}, freed AS (
    UPDATE listings_capacityhour AS hour SET sold = hour.sold - sale.units
    FROM sale WHERE hour.capacity_id = sale.capacity_id AND hour.slot = sale.slot
    RETURNING 1
)
SELECT (SELECT count(*) FROM sale) - (SELECT count(*) FROM freed)"""
FIRST_SHORTAGE = f"""{SALE}
SELECT sale.capacity_id, sale.slot, hour.units - hour.sold, sale.units
FROM sale JOIN listings_capacityhour AS hour ON hour.capacity_id = sale.capacity_id AND hour.slot = sale.slot
WHERE hour.sold + sale.units > hour.units
ORDER BY sale.slot LIMIT 1"""


@dataclass(frozen=True, slots=True)
class HourSale:
    """`units` of a capacity in every slot of [first_slot, last_slot)."""

    capacity_id: int
    first_slot: datetime.datetime
    last_slot: datetime.datetime
    units: int

    def __post_init__(self) -> None:
        if self.units <= 0 or self.last_slot <= self.first_slot:
            raise ValueError("A sale is of at least one unit in at least one slot.")

    @property
    def unit_hours(self) -> int:
        return self.units * ((self.last_slot - self.first_slot) // SLOT)


@transaction.atomic
def freeze_capacities(*, first_slot: datetime.datetime, slots: int) -> int:
    """Freeze every capacity with hours left in the horizon, for the round whose gate closes: their number.

    A frozen capacity can be sold from but not edited, paused or withdrawn, so that what a round clears is
    still there when it settles. The round's book is `open_hours(...).filter(capacity__frozen=True)`, read in
    the same transaction. Freezing twice does no harm.
    """
    open_ids = open_hours(first_slot=first_slot, slots=slots).values("capacity_id")
    claimed = Capacity.objects.active().filter(pk__in=open_ids).order_by("pk").select_for_update(no_key=True)
    ids = list(claimed.values_list("pk", flat=True))
    return Capacity.objects.filter(pk__in=ids).update(frozen=True)


@transaction.atomic
def thaw_capacities() -> int:
    """Let the capacities of the settled round be changed again: their number. Thawing twice does no harm."""
    claimed = Capacity.objects.filter(frozen=True).order_by("pk").select_for_update(no_key=True)
    ids = list(claimed.values_list("pk", flat=True))
    return Capacity.objects.filter(pk__in=ids).update(frozen=False)


@transaction.atomic
def sell_hours(*, sales: Sequence[HourSale]) -> None:
    """Sell unit-hours: all of `sales`, in one statement, or none.

    Raises NotOnSale where a capacity is not active or does not offer a slot, Oversold where fewer units are
    left than are sold.
    """
    if not sales:
        return
    wanted = {sale.capacity_id for sale in sales}
    # Sellers of one capacity, and whoever would pause or edit it, take turns here.
    active = Capacity.objects.active().filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True)
    if missing := wanted - set(active.values_list("pk", flat=True)):
        raise NotOnSale(
            _("Capacity %(capacity)s is not on sale. Clear the round again without it.")
            % {"capacity": min(missing)}
        )
    columns = _columns(sales)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SELL, columns)
            (not_offered,) = cursor.fetchone()
    except IntegrityError as error:
        if constraint_of(error) == "capacity_hour_never_oversold":
            raise _oversold(columns) from error
        raise
    if not_offered:
        raise NotOnSale(
            _("%(count)s of the hours to be sold are outside the period of their capacity.")
            % {"count": not_offered}
        )


@transaction.atomic
def free_hours(*, sales: Sequence[HourSale]) -> None:
    """Count the units of these sales as unsold again: all, in one statement, or none.

    The caller knows that they are promised to nobody. Raises InRound where a capacity is in a round
    that is being cleared, WrongStatus where one was withdrawn.
    """
    of_sales = Capacity.objects.filter(pk__in={sale.capacity_id for sale in sales})
    for capacity in of_sales.order_by("pk").select_for_update(no_key=True):
        refuse_frozen(capacity)
        if capacity.status == Capacity.Status.WITHDRAWN:
            raise WrongStatus(_("Capacity %(capacity)s was withdrawn.") % {"capacity": capacity.pk})
    with connection.cursor() as cursor:
        cursor.execute(FREE, _columns(sales))
        (never_sold,) = cursor.fetchone()
    assert never_sold == 0, "an hour that was sold stays"


@transaction.atomic
def sell_seats(*, plan_id: int, seats: int) -> None:
    """Sell seats of a licence plan. Raises NotOnSale, or Oversold where fewer are left."""
    if seats <= 0:
        raise ValueError("A sale is of at least one seat.")
    on_sale = LicencePlan.objects.filter(
        pk=plan_id, status=LicencePlan.Status.LISTED, algorithm__status=Algorithm.Status.LISTED
    )
    try:
        with transaction.atomic():
            sold = on_sale.update(sold=F("sold") + seats)
    except IntegrityError as error:
        if constraint_of(error) == "plan_never_oversold":
            raise Oversold(
                _("Fewer than %(seats)s seats are left in this plan.") % {"seats": seats}
            ) from error
        raise
    if not sold:
        raise NotOnSale(_("This licence plan is not on sale."))


def _columns(sales: Sequence[HourSale]) -> list[list[object]]:
    rows = ((sale.capacity_id, sale.first_slot, sale.last_slot, sale.units) for sale in sales)
    return [list(column) for column in zip(*rows, strict=True)]


def _oversold(columns: list[list[object]]) -> Oversold:
    with connection.cursor() as cursor:
        cursor.execute(FIRST_SHORTAGE, columns)
        capacity_id, slot, left, units = cursor.fetchone()
    return Oversold(
        _("Capacity %(capacity)s has %(left)s units left at %(slot)s; %(units)s were to be sold.")
        % {"capacity": capacity_id, "left": left, "slot": shown(slot), "units": units}
    )
