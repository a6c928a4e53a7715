"""Which pools a bid accepts, decided in memory: a round asks it of every bid and every pool.

`accepts` says of one pool what `listings.queries.eligible_pools` says in SQL; a test holds them together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from listings.models import Pool
from marketplace.trading.models import Order


def accepts(order: Order, accelerators: Mapping[int, int], pool: Pool) -> bool:
    """Whether the order may run in the pool; `accelerators` are the limits of those it names, if any."""
    accelerator, facility = pool.accelerator, pool.facility
    return (
        facility.provider_id != order.organisation_id
        and (not accelerators or accelerator.pk in accelerators)
        and (not order.hubs or facility.hub in order.hubs)
        and (not order.facility_kinds or facility.kind in order.facility_kinds)
        and (not order.jurisdictions or facility.jurisdiction in order.jurisdictions)
        and (accelerator.domestic or not order.domestic_only)
        and (not order.least_memory_gb or (accelerator.memory_gb or 0) >= order.least_memory_gb)
    )


@dataclass(frozen=True)
class Option:
    pool_row: int
    limit_price: int


def options_of(order: Order, limits: Mapping[int, int], pools: Sequence[Pool]) -> list[Option]:
    """The rows of `pools` that the order accepts, with its limit price in each."""
    return [
        Option(row, limits.get(pool.accelerator_id, order.limit_price))
        for row, pool in enumerate(pools)
        if accepts(order, limits, pool)
    ]
