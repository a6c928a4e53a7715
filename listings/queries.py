"""Reads that span the listings' relations."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Case, F, Min, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce, TruncDate

from accounts.models import Organisation
from listings.models import Accelerator, Algorithm, Capacity, CapacityHour, Facility, LicencePlan, Pool
from listings.slots import SLOT, slot_of


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a buyer accepts. None, or nothing, in a field: anything."""

    accelerators: Sequence[int] | None = None
    hubs: Sequence[str] | None = None
    facility_kinds: Sequence[str] | None = None
    jurisdictions: Sequence[str] | None = None
    domestic_only: bool = False
    least_memory_gb: int | None = None


def eligible_pools(requirements: Requirements) -> QuerySet[Pool]:
    """The pools of verified providers that meet every requirement, offered at present or not."""
    pools = Pool.objects.filter(facility__provider__verification=Organisation.Verification.VERIFIED)
    one_of = {
        "accelerator__in": requirements.accelerators,
        "facility__hub__in": requirements.hubs,
        "facility__kind__in": requirements.facility_kinds,
        "facility__jurisdiction__in": requirements.jurisdictions,
    }
    pools = pools.filter(**{lookup: accepted for lookup, accepted in one_of.items() if accepted})
    if requirements.domestic_only:
        pools = pools.filter(accelerator__domestic=True)
    if requirements.least_memory_gb:
        pools = pools.filter(accelerator__memory_gb__gte=requirements.least_memory_gb)
    return pools.select_related("facility", "accelerator")


def open_hours(*, first_slot: datetime.datetime, slots: int) -> QuerySet[CapacityHour]:
    """What is left to sell in `slots` slots from `first_slot` on, of verified providers' active capacity.

    Each row carries `pool_id`, `left` (units), `reserve_price` (fen) and `listed_at` beside its `capacity_id`
    and `slot`; rows come by capacity, earliest listed first, then by slot.
    """
    first_slot = slot_of(first_slot)
    return (
        CapacityHour.objects.filter(
            slot__gte=first_slot,
            slot__lt=first_slot + slots * SLOT,
            sold__lt=F("units"),
            capacity__status=Capacity.Status.ACTIVE,
            capacity__pool__facility__provider__verification=Organisation.Verification.VERIFIED,
        )
        .annotate(
            pool_id=F("capacity__pool_id"),
            left=F("units") - F("sold"),
            reserve_price=F("capacity__reserve_price"),
            listed_at=F("capacity__created_at"),
        )
        .order_by("listed_at", "capacity_id", "slot")
    )


@dataclass(frozen=True, slots=True)
class Committed:
    """The units a pool has promised in a slot."""

    slot: datetime.datetime
    units: int


def most_committed(
    *,
    pool: Pool,
    first_slot: datetime.datetime,
    last_slot: datetime.datetime | None = None,
    besides: Capacity | None = None,
) -> Committed:
    """The first slot of [first_slot, last_slot) in which the pool, besides one capacity, has promised most.

    Active capacity is promised whole; of paused and withdrawn capacity, what has been sold.
    """
    hours = CapacityHour.objects.filter(capacity__pool=pool, slot__gte=first_slot)
    if last_slot is not None:
        hours = hours.filter(slot__lt=last_slot)
    if besides is not None:
        hours = hours.exclude(capacity_id=besides.pk)
    promised = Case(When(capacity__status=Capacity.Status.ACTIVE, then=F("units")), default=F("sold"))
    most = hours.values("slot").annotate(committed=Sum(promised)).order_by("-committed", "slot").first()
    return Committed(most["slot"], most["committed"]) if most else Committed(first_slot, 0)


def known_stacks() -> list[str]:
    """The software stacks of the accelerators in the catalogue, and "CPU" for what needs none."""
    lists = Accelerator.objects.values_list("stacks", flat=True)
    return sorted({stack for stacks in lists for stack in stacks} | {"CPU"})


def own_facilities(provider: Organisation) -> QuerySet[Facility]:
    return Facility.objects.filter(provider=provider)


def own_pools(provider: Organisation, *, first_slot: datetime.datetime, slots: int) -> QuerySet[Pool]:
    """A provider's pools, each with the unit-hours `offered` and `sold` in `slots` slots from `first_slot`.

    Hours of paused and withdrawn capacity count as offered only as far as they were sold.
    """
    within = Q(capacities__hours__slot__gte=first_slot, capacities__hours__slot__lt=first_slot + slots * SLOT)
    promised = Case(
        When(capacities__status=Capacity.Status.ACTIVE, then=F("capacities__hours__units")),
        default=F("capacities__hours__sold"),
    )
    return (
        Pool.objects.filter(facility__provider=provider)
        .select_related("facility__provider", "accelerator")
        .annotate(
            offered=Coalesce(Sum(promised, filter=within), 0),
            sold=Coalesce(Sum("capacities__hours__sold", filter=within), 0),
        )
    )


def capacities_of(pool: Pool) -> QuerySet[Capacity]:
    """A pool's capacities, latest period first, each with its unit-hours `offered` and `sold`."""
    return (
        Capacity.objects.filter(pool=pool)
        .annotate(offered=Sum("hours__units"), sold=Sum("hours__sold"))
        .order_by("-ends_at", "-pk")
    )


def sold_by_day(capacity: Capacity, *, zone: datetime.tzinfo) -> list[dict[str, Any]]:
    """For each day of a capacity in `zone`: `day`, unit-hours `offered` and `sold`, and the `share` sold."""
    days = (
        capacity.hours.annotate(day=TruncDate("slot", tzinfo=zone))
        .values("day")
        .annotate(offered=Sum("units"), sold=Sum("sold"))
        .order_by("day")
    )
    return [
        day | {"share": Decimal(day["sold"]) / day["offered"] if day["offered"] else None} for day in days
    ]


def listed_algorithms() -> QuerySet[Algorithm]:
    """What the public catalogue shows, each with the `lowest_price` of its plans on sale, in fen."""
    on_sale = Q(plans__status=LicencePlan.Status.LISTED)
    return (
        Algorithm.objects.filter(status=Algorithm.Status.LISTED)
        .select_related("publisher")
        .annotate(lowest_price=Min("plans__price", filter=on_sale))
    )


def plans_on_sale(algorithm: Algorithm) -> QuerySet[LicencePlan]:
    """The plans that can be ordered, each with the seats `left` (None: unlimited)."""
    return algorithm.plans.filter(status=LicencePlan.Status.LISTED).annotate(left=F("supply") - F("sold"))
