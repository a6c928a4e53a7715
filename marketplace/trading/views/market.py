"""Pages that anyone may read: the home page, the market, its pools and its rounds."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_GET

from accounts.names import local_name
from accounts.requests import PageRequest
from listings.models import Accelerator, Facility, Pool
from listings.slots import SLOT, slot_of
from marketplace.trading import charts
from marketplace.trading.filters import SPANS, PoolFilter
from marketplace.trading.models import Round
from marketplace.trading.queries.market import (
    PoolPrices,
    depth,
    last_round,
    open_round,
    pool_prices,
    price_index,
)
from marketplace.trading.queries.orders import published_json, published_rounds, round_summary

INDEX_SPAN = timedelta(days=7)
ROUNDS_A_PAGE = 25
OWN_ORDERS_SHOWN = 10


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    published = last_round()
    return render(
        request,
        "home.html",
        {
            "open_round": open_round(),
            "summary": round_summary(published) if published else None,
            "accelerators": Accelerator.objects.filter(pools__isnull=False).distinct().count(),
            "facilities": Facility.objects.filter(pools__isnull=False).distinct().count(),
            "cheapest": _cheapest(pool_prices(since=now, hours=24)),
        },
    )


@require_GET
def market(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    pools = Pool.objects.select_related("facility__provider", "accelerator")
    pool_filter = PoolFilter(request.GET, queryset=pools)
    shown = list(pool_filter.qs)
    prices = {
        row.pool.pk: row for row in pool_prices(pools=shown, since=slot_of(now), hours=pool_filter.span)
    }
    rows: list[Row] = [(pool, prices.get(pool.pk)) for pool in shown]
    rows.sort(key=SORT_KEYS[pool_filter.order])
    priced = [row for _, row in rows if row is not None]
    accelerators = {pool.accelerator for pool in shown}
    index = price_index(since=now - INDEX_SPAN, until=now + SLOT, accelerators=accelerators)
    return render(
        request,
        "market/market.html",
        {
            "filter": pool_filter,
            "rows": rows,
            "heatmap": charts.heatmap(priced),
            "index": charts.index_lines(index),
            **_strip(),
        },
    )


@require_GET
def round_strip(request: HttpRequest) -> HttpResponse:
    """The countdown and the last round's figures, which the page asks for again and again."""
    return render(request, "market/_strip.html", _strip())


@require_GET
def pool(request: HttpRequest, pool_id: int) -> HttpResponse:
    pools = Pool.objects.select_related("facility__provider", "accelerator")
    shown = get_object_or_404(pools, pk=pool_id)
    span = PoolFilter(request.GET, queryset=pools).span
    row = next(iter(pool_prices(pools=[shown], since=slot_of(timezone.now()), hours=span)), None)
    slot = _chosen_slot(request.GET.get("slot", ""), row)
    levels = depth(pool=shown, slot=slot)
    return render(
        request,
        "market/pool.html",
        {
            "pool": shown,
            "row": row,
            "span": span,
            "spans": [(int(hours), label) for hours, label in SPANS],
            "slot": slot,
            "depth": levels,
            "hours_chart": charts.pool_hours(row) if row else None,
            "depth_chart": charts.depth_steps(levels),
            "published": last_round(),
        },
    )


@require_GET
def rounds(request: HttpRequest) -> HttpResponse:
    page = Paginator(published_rounds(), ROUNDS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "market/rounds.html", {"page": page, "open_round": open_round()})


@require_GET
def round_page(request: PageRequest, round_id: int) -> HttpResponse:
    """A round's state and, once it has settled, all that it published."""
    shown = get_object_or_404(Round.objects.defer("book", "result"), pk=round_id)
    summary = round_summary(shown) if shown.status == Round.Status.SETTLED else None
    own = shown.round_orders.filter(order__organisation=request.organisation)
    return render(
        request,
        "market/round.html",
        {
            "round": shown,
            "summary": summary,
            "curves": sorted(summary.curves, key=lambda curve: -curve.traded) if summary else [],
            "own": own.select_related("order", "pool__facility", "pool__accelerator").order_by("-order_id")[
                :OWN_ORDERS_SHOWN
            ],
            "own_count": own.count(),
        },
    )


@require_GET
def document(request: HttpRequest, sha256: str) -> HttpResponse:
    """A settled round's book or result: the very bytes whose SHA-256 is its name."""
    text = published_json(sha256)
    if text is None:
        raise Http404
    response = HttpResponse(text, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{sha256}.json"'
    patch_cache_control(response, public=True, immutable=True, max_age=31_536_000)
    return response


def _strip() -> dict[str, object]:
    published = last_round()
    return {"open_round": open_round(), "summary": round_summary(published) if published else None}


Row = tuple[Pool, PoolPrices | None]


def _by_price(row: Row) -> tuple[bool, int]:
    """Pools without a price come last."""
    lowest = row[1].lowest if row[1] else None
    return lowest is None, lowest or 0


SORT_KEYS: dict[str, Callable[[Row], Any]] = {
    "accelerator": lambda row: (str(row[0].accelerator), local_name(row[0].facility)),
    "facility": lambda row: (local_name(row[0].facility), str(row[0].accelerator)),
    "price": _by_price,
    "volume": lambda row: -(row[1].volume if row[1] else -1),
    "unsold": lambda row: -(row[1].unsold if row[1] else -1),
}


def _cheapest(rows: list[PoolPrices]) -> list[PoolPrices]:
    """The cheapest pool of each accelerator, cheapest first."""
    best: dict[int, PoolPrices] = {}
    for row in sorted((row for row in rows if row.lowest is not None), key=lambda row: row.lowest or 0):
        best.setdefault(row.pool.accelerator_id, row)
    return list(best.values())


def _chosen_slot(text: str, row: PoolPrices | None) -> datetime | None:
    """The slot of the address, if it is one that the page shows."""
    shown = {hour.slot.isoformat(): hour.slot for hour in row.hours} if row else {}
    return shown.get(text)
