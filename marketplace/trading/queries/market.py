"""Market data: prices, volumes, depth and the price index. No answer names an organisation's orders."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet, Sum
from django.db.models.functions import Trunc

from listings.models import Accelerator, LicencePlan, Pool
from listings.slots import SLOT
from marketplace.trading.documents import content_of
from marketplace.trading.models import IndexPoint, PriceCurve, Round

INDEX_BASE = Decimal(1000)


def open_round() -> Round | None:
    """The round whose gate comes next: `gate_at` is what a countdown counts to."""
    return Round.objects.filter(status=Round.Status.OPEN).first()


def last_round() -> Round | None:
    """The last round that has been settled, and so published."""
    return Round.objects.settled().defer("book", "result").order_by("-pk").first()


@dataclass(frozen=True)
class HourPrice:
    slot: datetime
    price: int | None  # fen per unit-hour; None where nothing was offered
    volume: int  # units traded in the round
    offered: int  # units offered at its gate


@dataclass(frozen=True)
class PoolPrices:
    """One pool's row of the heatmap."""

    pool: Pool
    hours: list[HourPrice]

    @property
    def volume(self) -> int:
        """Unit-hours traded in the round."""
        return sum(hour.volume for hour in self.hours)

    @property
    def unsold(self) -> int:
        """Unit-hours left after the round."""
        return sum(hour.offered - hour.volume for hour in self.hours)

    @property
    def lowest(self) -> int | None:
        return min((hour.price for hour in self.hours if hour.price is not None), default=None)

    @property
    def mean(self) -> Decimal | None:
        """The mean price over the hours that were offered, each hour weighing the same."""
        priced = [hour.price for hour in self.hours if hour.price is not None]
        return Decimal(sum(priced)) / len(priced) if priced else None


def pool_prices(
    *,
    pools: Iterable[Pool] | QuerySet[Pool] | None = None,
    since: datetime,
    hours: int,
    published: Round | None = None,
) -> list[PoolPrices]:
    """A settled round's prices, volumes and offers of each pool, hour by hour, by facility and accelerator.

    The round is the last one, unless said. Hours outside its horizon are left out, and pools it did not know.
    """
    published = published or last_round()
    if published is None:
        return []
    curves = published.curves.filter(pool__isnull=False).select_related(
        "pool__facility__provider", "pool__accelerator"
    )
    if pools is not None:
        curves = curves.filter(pool__in=pools)
    first = max(0, published.slot_at(since))
    last = min(published.slots, published.slot_at(since) + hours)
    rows = [_pool_prices(published, curve, first, last) for curve in curves]
    return sorted(rows, key=lambda row: (row.pool.facility.name_en, row.pool.accelerator.name))


def _pool_prices(published: Round, curve: PriceCurve, first: int, last: int) -> PoolPrices:
    assert curve.pool is not None
    return PoolPrices(
        curve.pool,
        [
            HourPrice(
                published.time_of(slot),
                curve.prices[slot] if curve.offered[slot] else None,
                curve.volumes[slot],
                curve.offered[slot],
            )
            for slot in range(first, last)
        ],
    )


def plan_price(plan: LicencePlan) -> int:
    """What a seat last cost: the last round's price where supply is limited, else the posted price."""
    if plan.supply is None:
        return plan.price
    curve = PriceCurve.objects.filter(plan=plan).order_by("-round_id").first()
    return curve.prices[0] if curve and curve.volumes[0] else plan.price


@dataclass(frozen=True)
class Level:
    price: int  # fen per unit-hour
    quantity: int  # unit-hours, or units where one hour is asked for
    orders: int  # bids, or runs of capacity


@dataclass(frozen=True)
class Depth:
    """What the last round left: unsold capacity, cheapest first, and unfilled demand, dearest first."""

    supply: list[Level]
    demand: list[Level]


def depth(*, pool: Pool, slot: datetime | None = None) -> Depth:
    """The depth of a pool after the last round, over its horizon or in one hour.

    It is made of the published book and result, which anyone can download, so it hides no small group. A
    flexible bid counts in each pool it accepts, and in each hour of its window.
    """
    published = last_round()
    if published is None or pool.pk not in published.pool_ids:
        return Depth([], [])
    row = published.pool_ids.index(pool.pk)
    number = None if slot is None else published.slot_at(slot)
    book, result = _published_documents(published.pk)
    return Depth(_unsold(book, result, row, number), _unfilled(book, result, row, number))


@lru_cache(maxsize=2)
def _published_documents(round_id: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A settled round's book and result; they never change, so they are kept in memory."""
    published = Round.objects.settled().only("book", "result").get(pk=round_id)
    return content_of(published.book), content_of(published.result)


def _levels(quantities: dict[int, int], orders: dict[int, int], *, dearest_first: bool) -> list[Level]:
    return [
        Level(price, quantities[price], orders[price])
        for price in sorted(quantities, reverse=dearest_first)
        if quantities[price] > 0
    ]


def _unsold(book: dict[str, Any], result: dict[str, Any], row: int, slot: int | None) -> list[Level]:
    asks, sales = book["asks"], result["sales"]
    left: dict[int, int] = defaultdict(int)
    rows: dict[int, int] = defaultdict(int)
    in_pool = {ask for ask, pool in enumerate(asks["pool"]) if pool == row}
    for ask in in_pool:
        hours = _hours(asks["first"][ask], asks["last"][ask], slot)
        left[asks["price"][ask]] += asks["quantity"][ask] * hours
        rows[asks["price"][ask]] += hours > 0
    for ask, first, last, quantity in zip(
        sales["ask"], sales["first"], sales["last"], sales["quantity"], strict=True
    ):
        if ask in in_pool:
            left[asks["price"][ask]] -= quantity * _hours(first, last, slot)
    return _levels(left, rows, dearest_first=False)


def _unfilled(book: dict[str, Any], result: dict[str, Any], row: int, slot: int | None) -> list[Level]:
    bids, options = book["bids"], book["options"]
    filled = set(result["fills"]["bid"])
    wanted: dict[int, int] = defaultdict(int)
    orders: dict[int, int] = defaultdict(int)
    for bid, pool, price in zip(options["bid"], options["pool"], options["price"], strict=True):
        if pool != row or bid in filled:
            continue
        if slot is None:
            wanted[price] += bids["quantity"][bid] * bids["duration"][bid]
        elif bids["earliest"][bid] <= slot < bids["latest"][bid]:
            wanted[price] += bids["quantity"][bid]
        else:
            continue
        orders[price] += 1
    return _levels(wanted, orders, dearest_first=True)


def _hours(first: int, last: int, slot: int | None) -> int:
    """The hours of [first, last), or whether it has the slot."""
    return last - first if slot is None else int(first <= slot < last)


@dataclass(frozen=True)
class IndexLevel:
    at: datetime
    price: Decimal  # fen per unit-hour, volume-weighted
    level: Decimal  # 1000 in the accelerator's first period that traded
    unit_hours: int


def price_index(
    *, since: datetime, until: datetime, step: str = "hour", accelerators: Iterable[Accelerator] | None = None
) -> dict[Accelerator, list[IndexLevel]]:
    """The price index of each accelerator: all its pools' value over all their unit-hours, by period.

    `step` is "hour", "day" or "week"; periods without a trade are left out. The level's base, 1000, is the
    price over the first round in which the accelerator ever traded.
    """
    points = IndexPoint.objects.filter(at__gte=since, at__lt=until)
    if accelerators is not None:
        points = points.filter(accelerator__in=accelerators)
    periods = (
        points.annotate(period=Trunc("at", step))
        .values("accelerator", "period")
        .annotate(total_value=Sum("value"), total_hours=Sum("unit_hours"))
        .order_by("period")
    )
    first_points = {
        point.accelerator_id: point
        for point in IndexPoint.objects.order_by("accelerator_id", "round_id").distinct("accelerator_id")
    }
    catalogue = Accelerator.objects.in_bulk(first_points)
    index: dict[Accelerator, list[IndexLevel]] = defaultdict(list)
    for period in periods:
        price = Decimal(period["total_value"]) / period["total_hours"]
        base = first_points[period["accelerator"]].price
        level = INDEX_BASE * price / base if base else INDEX_BASE
        index[catalogue[period["accelerator"]]].append(
            IndexLevel(period["period"], price, level, period["total_hours"])
        )
    return dict(index)


def horizon_end(published: Round) -> datetime:
    """The end of the last slot the round sold."""
    return published.time_of(published.slots - 1) + SLOT
