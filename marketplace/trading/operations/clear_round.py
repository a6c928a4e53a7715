from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from marketplace.clearing.baseline import first_come_first_served
from marketplace.clearing.book import Book
from marketplace.clearing.solve import solve
from marketplace.clearing.verify import violations
from marketplace.trading.documents import Document, content_of
from marketplace.trading.models import Round, RoundOrder
from marketplace.trading.operations.claim import check_fence
from marketplace.trading.operations.fail_round import fail_round
from marketplace.trading.outcomes import BidOutcome, bid_outcomes

MOST_VIOLATIONS_SHOWN = 20
Outcome = RoundOrder.Outcome

RECORD_OUTCOMES = """
UPDATE trading_roundorder AS part
SET outcome = decided.outcome, pool_id = decided.pool_id, starts_at = decided.starts_at,
    price = decided.price, raise_by = decided.raise_by, units_available = decided.units
FROM unnest(%s::int[], %s::text[], %s::bigint[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::int[])
     AS decided (row, outcome, pool_id, starts_at, price, raise_by, units)
WHERE part.round_id = %s AND part.row = decided.row
"""


@dataclass(frozen=True)
class Cleared:
    """What the engine made of a book, and what the checker says of it."""

    result: dict[str, Any]
    violations: list[str]
    baseline_welfare: int


def clear_book(book: dict[str, Any]) -> Cleared:
    """Clear and check. Only this calls the engine."""
    parsed = Book.from_json(book)
    result = solve(parsed).to_json()
    baseline_welfare, _ = first_come_first_served(parsed)
    return Cleared(result, violations(book, result), baseline_welfare)


def clear_round(*, round_id: int, fence: int, now: datetime) -> Round:
    """Clear a closed round's book and write the result down, with what became of each order and why.

    A result that breaks a promise is never written: the round fails instead. The engine runs outside any
    transaction. Raises Fenced where another process has claimed the round meanwhile.
    """
    book = content_of(Round.objects.only("book").get(pk=round_id).book)
    cleared = clear_book(book)
    if cleared.violations:
        shown = "\n".join(cleared.violations[:MOST_VIOLATIONS_SHOWN])
        error = f"The result breaks {len(cleared.violations)} promises:\n{shown}"
        return fail_round(round_id=round_id, fence=fence, status=Round.Status.CLOSED, error=error, now=now)
    return _write(round_id, fence, cleared, bid_outcomes(book, cleared.result), now)


@transaction.atomic
def _write(round_id: int, fence: int, cleared: Cleared, outcomes: list[BidOutcome], now: datetime) -> Round:
    written = check_fence(round_id=round_id, fence=fence, status=Round.Status.CLOSED)
    document = Document.of(cleared.result)
    written.result, written.result_sha256 = document.gzipped, document.sha256
    written.welfare, written.bound = cleared.result["welfare"], cleared.result["bound"]
    written.baseline_welfare = cleared.baseline_welfare
    written.status, written.cleared_at = Round.Status.CLEARED, now
    written.save()
    _record_outcomes(written, outcomes)
    _decide_the_rest(written)
    return written


def _record_outcomes(written: Round, outcomes: list[BidOutcome]) -> None:
    pools = written.pool_ids
    columns: list[list[Any]] = [
        list(range(len(outcomes))),
        [each.outcome.value for each in outcomes],
        [
            pools[each.pool_row] if each.pool_row is not None and each.pool_row < len(pools) else None
            for each in outcomes
        ],
        [None if each.start is None else written.time_of(each.start) for each in outcomes],
        [each.price for each in outcomes],
        [each.raise_by for each in outcomes],
        [each.units for each in outcomes],
    ]
    with connection.cursor() as cursor:
        cursor.execute(RECORD_OUTCOMES, [*columns, written.pk])


def _decide_the_rest(written: Round) -> None:
    """The orders that are not in the book: sold at the posted price of the gate, or not on offer at all.

    A half of a bundle is sold so only with its bid, which is in the book and has been decided.
    """
    parts = RoundOrder.objects.filter(round=written)
    decided = list(parts.filter(row__isnull=True, outcome=Outcome.PENDING).select_related("order"))
    halves = [part.order.bundled_with_id for part in decided if part.order.bundled_with_id is not None]
    filled = set(parts.filter(order__in=halves, outcome=Outcome.FILLED).values_list("order_id", flat=True))
    for part in decided:
        order = part.order
        if part.price is None:
            part.outcome = Outcome.NO_CAPACITY
        elif order.limit_price < part.price:
            part.outcome, part.raise_by = Outcome.LIMIT_TOO_LOW, part.price - order.limit_price
        elif order.bundled_with_id is None or order.bundled_with_id in filled:
            part.outcome, part.units_available = Outcome.FILLED, order.quantity
        else:
            part.outcome = Outcome.OTHER_HALF
    RoundOrder.objects.bulk_update(decided, ["outcome", "units_available", "raise_by"], batch_size=1000)
