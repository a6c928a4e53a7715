"""What a bid could buy, before it is placed."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
from django.conf import settings

from accounts.models import Organisation
from listings.models import Pool
from listings.queries import eligible_pools, open_hours
from listings.slots import SLOT
from marketplace.trading.horizon import first_slot, next_gate
from marketplace.trading.models import Round
from marketplace.trading.queries.market import last_round
from marketplace.trading.starts import Slots, cheapest_start, most_units
from marketplace.trading.terms import BidTerms
from settlement.contracts.queries import bound_organisations, most_it_can_cost


@dataclass(frozen=True)
class PoolEstimate:
    """One eligible pool. Where it offers too few units throughout any run of hours, there is no start."""

    pool: Pool
    limit_price: int  # fen per unit-hour
    starts_at: datetime | None
    cost: int | None  # fen, for the whole quantity at the cheapest start
    mean_price: Decimal | None  # fen per unit-hour there
    units: int  # offered throughout: at that start, or at the best one where none offers the minimum

    @property
    def within_limit(self) -> bool:
        return self.mean_price is not None and self.mean_price <= self.limit_price


@dataclass(frozen=True)
class Estimate:
    """`pools`: what the limit price reaches first, then the cheapest; those with no start last."""

    most_it_can_cost: int  # fen: what placing the bid holds
    pools: list[PoolEstimate]
    priced_by: Round | None  # whose prices these are; None: no round has settled, reserve prices stand in
    from_slot: datetime  # the first hour the next round sells
    until_slot: datetime

    @property
    def cheapest(self) -> PoolEstimate | None:
        priced = [each for each in self.pools if each.cost is not None]
        return min(priced, key=lambda each: each.cost or 0, default=None)


def estimate(*, organisation: Organisation | None, terms: BidTerms, now: datetime) -> Estimate:
    """The pools that are eligible for a bid of `organisation`, and its cost at the last round's prices.

    An hour that the last round did not price is taken at the cheapest reserve price on offer.
    Raises InvalidInput where the terms could not be placed.
    """
    terms.check(now=now)
    first = first_slot(next_gate(now))
    earliest = max(0, int((terms.window_start - first) / SLOT))
    latest = min(settings.HORIZON_SLOTS, int((terms.window_end - first) / SLOT))
    pools = eligible_pools(terms.requirements()).filter(facility__provider__in=bound_organisations(now))
    if organisation is not None:
        pools = pools.exclude(facility__provider=organisation)
    eligible = list(pools.select_related("facility__provider", "accelerator"))
    published = last_round()
    offers = _offers(eligible, first, published)
    rows = [_estimate(pool, terms, *offers[pool.pk], first, earliest, latest) for pool in eligible]
    rows.sort(key=lambda row: (row.cost is None, not row.within_limit, row.cost or 0, row.pool.pk))
    until = first + settings.HORIZON_SLOTS * SLOT
    return Estimate(most_it_can_cost(terms.most_it_costs), rows, published, first, until)


def _estimate(
    pool: Pool, terms: BidTerms, prices: Slots, units: Slots, first: datetime, earliest: int, latest: int
) -> PoolEstimate:
    limit = terms.limit_for(pool.accelerator_id)
    run = {"earliest": earliest, "latest": latest, "duration": terms.hours}
    start = cheapest_start(prices, units, minimum=terms.least_quantity, **run)
    if start is None:
        return PoolEstimate(pool, limit, None, None, None, most_units(units, **run))
    return PoolEstimate(
        pool,
        limit,
        first + start.slot * SLOT,
        start.cost * terms.quantity,
        Decimal(start.cost) / terms.hours,
        start.units,
    )


def _offers(pools: list[Pool], first: datetime, published: Round | None) -> dict[int, tuple[Slots, Slots]]:
    """Each pool's price and units on offer in every slot of the next round's horizon."""
    slots = settings.HORIZON_SLOTS
    no_price = np.iinfo(np.int64).max
    prices: dict[int, Slots] = defaultdict(lambda: np.full(slots, no_price, np.int64))
    units: dict[int, Slots] = defaultdict(lambda: np.zeros(slots, np.int64))
    hours = open_hours(first_slot=first, slots=slots).filter(capacity__pool__in=pools).order_by()
    rows = hours.values_list("capacity__pool_id", "slot", "units", "sold", "capacity__reserve_price")
    for pool, slot, offered, sold, reserve in rows:
        number = int((slot - first) / SLOT)
        units[pool][number] += offered - sold
        prices[pool][number] = min(prices[pool][number], reserve)
    if published is not None:
        for curve in published.curves.filter(pool__in=pools):
            shift = published.slot_at(first)
            last = np.array(curve.prices[shift:], np.int64)
            assert curve.pool_id is not None
            row = prices[curve.pool_id][: len(last)]
            row[:] = np.where(last > 0, last, row)
    # What is not on offer has no start, so its price does not matter; 0 cannot overflow a sum.
    return {pool.pk: (np.where(units[pool.pk] > 0, prices[pool.pk], 0), units[pool.pk]) for pool in pools}
