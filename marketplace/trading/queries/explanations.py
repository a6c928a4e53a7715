"""Why an order is where it is, and what would have filled it, in words a buyer can act on."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.names import local_name
from listings.models import LicencePlan, Pool
from marketplace.trading.models import Order, Round, RoundOrder

Outcome = RoundOrder.Outcome


@dataclass(frozen=True)
class Explanation:
    """What the last round decided about an order. The sentences are translated."""

    order: Order
    round: Round | None  # None: the order has not been in a round yet
    outcome: str | None  # a RoundOrder.Outcome
    reason: str
    remedy: str  # what would have filled it; empty where nothing is wrong
    pool: Pool | None = None  # of the fill, or of the cheapest start
    starts_at: datetime | None = None
    price: int | None = None  # mean there, fen per unit-hour or seat, rounded up
    raise_by: int | None = None  # how far the limit price was short, fen per unit-hour or seat
    units_available: int | None = None


def explain(order: Order) -> Explanation:
    """Why an order filled or not, as its last round stored it: the answer does not change later."""
    seen = _decided(order).first()
    if seen is None:
        return Explanation(order, None, None, _("This order has not been in a round yet."), "")
    reason, remedy = _sentences(seen, order)
    if seen.outcome == Outcome.OTHER_HALF and order.bundled_with is not None:
        remedy = _remedy_of(order.bundled_with, seen.round_id)
    return Explanation(
        order,
        seen.round,
        seen.outcome,
        reason,
        remedy,
        seen.pool,
        seen.starts_at,
        seen.price,
        seen.raise_by,
        seen.units_available,
    )


def _decided(order: Order) -> QuerySet[RoundOrder]:
    """The order's parts in rounds that have decided about it, the last first."""
    decided: QuerySet[RoundOrder] = (
        order.round_orders.exclude(outcome=Outcome.PENDING)
        .select_related("round", "pool__facility", "pool__accelerator")
        .defer("round__book", "round__result")
        .order_by("-round_id")
    )
    return decided


def _remedy_of(other: Order, round_id: int) -> str:
    """What would have filled the half of a bundle that could not fill; empty until its round is cleared."""
    seen = _decided(other).filter(round=round_id).first()
    return "" if seen is None else _sentences(seen, other)[1]


def _yuan(fen: int) -> str:
    return f"¥{Decimal(fen) / 100:,.2f}"


def _place(pool: Pool | None, plan: LicencePlan | None) -> str:
    if pool is not None:
        return f"{local_name(pool.facility)} · {pool.accelerator}"
    return f"{local_name(plan.algorithm)}: {plan.name}" if plan is not None else ""


def _local_time(moment: datetime) -> str:
    """In the zone in force, which it names: 2026-06-01 12:00 (UTC+08:00)."""
    local = timezone.localtime(moment)
    offset = f"{local:%z}"
    return f"{local:%Y-%m-%d %H:%M} (UTC{offset[:3]}:{offset[3:]})"


def _sentences(seen: RoundOrder, order: Order) -> tuple[str, str]:
    facts = {
        "minimum": order.minimum,
        "hours": order.hours,
        "units": seen.units_available,
        "pool": _place(seen.pool, order.plan),
        "price": _yuan(seen.price or 0),
        "raise": _yuan(seen.raise_by or 0),
        "start": _local_time(seen.starts_at) if seen.starts_at else "",
        "other": str(order.bundled_with or ""),
    }
    reason, none_left, some_left = SENTENCES[Order.Kind(order.kind), Outcome(seen.outcome)]
    remedy = some_left if seen.units_available else none_left
    return str(reason) % facts, str(remedy) % facts


# The reason; what would have filled the order, where no units are available; and where some are.
SENTENCES = {
    (Order.Kind.BID, Outcome.FILLED): (
        gettext_lazy("Filled in %(pool)s from %(start)s, at %(price)s per unit-hour on average."),
        "",
        "",
    ),
    (Order.Kind.BID, Outcome.NO_CAPACITY): (
        gettext_lazy(
            "No eligible pool offered %(minimum)s units for %(hours)s hours in a row inside its window."
        ),
        gettext_lazy(
            "A wider window, fewer hours or more pools might have found capacity: none offered any."
        ),
        gettext_lazy(
            "At most %(units)s units were offered throughout such a run, in %(pool)s: ask for that many."
        ),
    ),
    (Order.Kind.BID, Outcome.LIMIT_TOO_LOW): (
        gettext_lazy(
            "The limit price was too low: the cheapest start, in %(pool)s from %(start)s, cost %(price)s per "
            "unit-hour on average."
        ),
        gettext_lazy("A limit price higher by %(raise)s per unit-hour would have reached it."),
        gettext_lazy("A limit price higher by %(raise)s per unit-hour would have reached it."),
    ),
    (Order.Kind.BID, Outcome.INDIVISIBLE): (
        gettext_lazy(
            "The limit price was high enough, but %(minimum)s units could not be fitted together with the "
            "orders that were worth more."
        ),
        gettext_lazy("A wider window, fewer hours or more pools would have given it more places to fit."),
        gettext_lazy("With a minimum of %(units)s units it would have fitted in %(pool)s from %(start)s."),
    ),
    (Order.Kind.BID, Outcome.OTHER_HALF): (
        gettext_lazy("Nothing stood in the way of this bid, but its other half did not fill: %(other)s."),
        "",
        "",
    ),
    (Order.Kind.LICENCE, Outcome.OTHER_HALF): (
        gettext_lazy("Nothing stood in the way of this order, but its other half did not fill: %(other)s."),
        "",
        "",
    ),
    (Order.Kind.LICENCE, Outcome.FILLED): (gettext_lazy("Filled at %(price)s per seat."), "", ""),
    (Order.Kind.LICENCE, Outcome.NO_CAPACITY): (
        gettext_lazy("The plan did not offer %(minimum)s seats."),
        gettext_lazy("No seats were left: choose another plan."),
        gettext_lazy("%(units)s seats were on offer: ask for that many."),
    ),
    (Order.Kind.LICENCE, Outcome.LIMIT_TOO_LOW): (
        gettext_lazy("The limit price was too low: a seat cost %(price)s."),
        gettext_lazy("A limit price higher by %(raise)s per seat would have reached it."),
        gettext_lazy("A limit price higher by %(raise)s per seat would have reached it."),
    ),
    (Order.Kind.LICENCE, Outcome.INDIVISIBLE): (
        gettext_lazy("The limit price was high enough, but %(minimum)s seats together were not left."),
        gettext_lazy("No seats were left: choose another plan, or a higher limit price."),
        gettext_lazy("With a minimum of %(units)s seats it would have filled."),
    ),
}
