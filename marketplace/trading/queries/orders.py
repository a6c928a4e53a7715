"""An organisation's own orders and trades, and the rounds as everybody may see them."""

import gzip
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from accounts.models import Organisation
from listings.models import Algorithm, LicencePlan
from marketplace.trading.models import Order, PriceCurve, Round, Trade
from settlement.contracts.queries import bound_organisations


def orders_of(organisation: Organisation) -> "QuerySet[Order]":
    """The organisation's orders, latest first, with what a page shows of them."""
    orders: QuerySet[Order] = (
        Order.objects.of(organisation)
        .select_related(
            "hold",
            "plan__algorithm",
            "trade__pool__facility",
            "trade__pool__accelerator",
            "placed_by",
            "bundled_with",
        )
        .prefetch_related("limits__accelerator")
        .order_by("-placed_at", "-pk")
    )
    return orders


def plans_on_sale_to(organisation: Organisation, *, now: datetime) -> "QuerySet[LicencePlan]":
    """The licence plans that the organisation can order, by algorithm."""
    plans: QuerySet[LicencePlan] = (
        LicencePlan.objects.filter(
            status=LicencePlan.Status.LISTED,
            algorithm__status=Algorithm.Status.LISTED,
            algorithm__publisher__in=bound_organisations(now),
        )
        .exclude(algorithm__publisher=organisation)
        .select_related("algorithm")
        .order_by("algorithm__name_en", "price", "pk")
    )
    return plans


def trades_of(organisation: Organisation) -> "QuerySet[Trade]":
    """What the organisation bought or sold, latest first."""
    bought, sold = Trade.objects.bought_by(organisation), Trade.objects.sold_by(organisation)
    trades: QuerySet[Trade] = (
        (bought | sold)
        .select_related(
            "buyer", "provider", "pool__facility", "pool__accelerator", "plan__algorithm", "contract"
        )
        .order_by("-traded_at", "-pk")
    )
    return trades


def published_rounds() -> "QuerySet[Round]":
    """The settled rounds, latest first, without their documents."""
    rounds: QuerySet[Round] = Round.objects.settled().defer("book", "result").order_by("-pk")
    return rounds


@dataclass(frozen=True)
class RoundSummary:
    round: Round
    orders: int
    matched: int
    unit_hours: int
    value: int  # fen
    welfare: int | None  # fen
    bound: int | None
    gap: Decimal | None
    baseline_welfare: int | None  # first come, first served
    curves: list[PriceCurve]

    @property
    def better_than_baseline(self) -> Decimal | None:
        """By what share the welfare passes that of first come, first served."""
        if self.welfare is None or not self.baseline_welfare:
            return None
        return Decimal(self.welfare) / self.baseline_welfare - 1

    @property
    def mean_price(self) -> Decimal | None:
        """Fen per unit-hour, volume-weighted."""
        volume = value = 0
        for curve in self.curves:
            if curve.pool_id is not None:
                volume += sum(curve.volumes)
                value += sum(p * v for p, v in zip(curve.prices, curve.volumes, strict=True))
        return Decimal(value) / volume if volume else None


def round_summary(of: Round) -> RoundSummary:
    """What a settled round did: orders, matched, welfare against first come, first served, prices."""
    curves = list(of.curves.select_related("pool__facility", "pool__accelerator", "plan__algorithm"))
    return RoundSummary(
        of,
        of.order_count,
        of.matched_count,
        of.unit_hours,
        of.value,
        of.welfare,
        of.bound,
        of.gap,
        of.baseline_welfare,
        curves,
    )


def published_document(sha256: str) -> bytes | None:
    """The JSON text of a settled round's book or result with this SHA-256, gzipped; None if there is none."""
    by_book = Round.objects.settled().filter(book_sha256=sha256).only("book").first()
    if by_book is not None and by_book.book is not None:
        return bytes(by_book.book)
    by_result = Round.objects.settled().filter(result_sha256=sha256).only("result").first()
    if by_result is not None and by_result.result is not None:
        return bytes(by_result.result)
    return None


def published_json(sha256: str) -> bytes | None:
    """The same, as the text whose SHA-256 it is."""
    document = published_document(sha256)
    return None if document is None else gzip.decompress(document)
