from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from listings.errors import NotOnSale, Oversold
from listings.models import LicencePlan, Pool
from listings.operations import HourSale, sell_hours, sell_seats, thaw_capacities
from listings.slots import SLOT
from marketplace.trading.allocate import allocate
from marketplace.trading.documents import content_of
from marketplace.trading.letters import tell_of_contracts, write_of_contracts
from marketplace.trading.models import Allocation, Order, Round, RoundOrder, Trade
from marketplace.trading.operations.claim import check_fence
from marketplace.trading.operations.fail_round import fail_round
from marketplace.trading.operations.publish_prices import publish_prices
from settlement.bulk import copy_rows
from settlement.contracts.models import Contract
from settlement.contracts.operations import ContractDraft, open_contracts

BATCH = 2000

END_ORDERS = """
UPDATE trading_order AS placed SET status = 'filled', filled_quantity = filled.quantity, ended_at = %s
FROM unnest(%s::bigint[], %s::int[]) AS filled (id, quantity)
WHERE placed.id = filled.id AND placed.status = 'clearing'
"""


def settle_round(*, round_id: int, fence: int, now: datetime) -> Round:
    """Make a cleared round binding, in one transaction: hours sold, contracts, trades, prices; and public.

    Unfilled orders rest again. Where something sold is no longer there, the round fails instead. Raises
    Fenced where another process has claimed the round meanwhile.
    """
    try:
        return _settle(round_id, fence, now)
    except (Oversold, NotOnSale) as error:
        reason = f"What the round sold is no longer on sale. {error}"
        return fail_round(round_id=round_id, fence=fence, status=Round.Status.CLEARED, error=reason, now=now)


@transaction.atomic
def _settle(round_id: int, fence: int, now: datetime) -> Round:
    settled = check_fence(round_id=round_id, fence=fence, status=Round.Status.CLEARED)
    book, result = content_of(settled.book), content_of(settled.result)
    _sell_capacity(settled, result)
    trades = _trades(settled, book, result, now)
    _sell_seats(trades)
    contracts = open_contracts(drafts=[_contract(trade) for trade in trades], now=now)
    for trade, contract in zip(trades, contracts, strict=True):
        trade.contract = contract
    copy_rows(trades)
    write_of_contracts(settled, contracts, now=now)
    tell_of_contracts(contracts, now=now)
    _allocate_capacity(settled, book, result, trades)
    _end_orders(settled, trades, now)
    publish_prices(settled, book, result, now=now)
    settled.matched_count = len(trades)
    compute = [trade for trade in trades if trade.pool_id is not None]
    settled.unit_hours = sum(trade.quantity * len(trade.prices) for trade in compute)
    settled.value = sum(trade.total for trade in trades)
    settled.status, settled.settled_at = Round.Status.SETTLED, now
    settled.save()
    thaw_capacities()
    return settled


def _sell_capacity(settled: Round, result: dict[str, Any]) -> None:
    """Asks past the capacities are of plans: their seats are sold with their trades."""
    sales = zip(*(result["sales"][name] for name in ("ask", "first", "last", "quantity")), strict=True)
    capacities = settled.capacity_ids
    sell_hours(
        sales=[
            HourSale(capacities[ask], settled.time_of(first), settled.time_of(last), units)
            for ask, first, last, units in sales
            if ask < len(capacities)
        ]
    )


def _trades(settled: Round, book: dict[str, Any], result: dict[str, Any], now: datetime) -> list[Trade]:
    """The fills of the book in the order of its rows, then the orders filled at a posted price."""
    filled = RoundOrder.objects.filter(round=settled, outcome=RoundOrder.Outcome.FILLED)
    parts = list(filled.select_related("order__plan__algorithm", "order__hold").order_by("row", "order"))
    by_row = {part.row: part.order for part in parts if part.row is not None}
    pools = Pool.objects.select_related("facility").in_bulk(settled.pool_ids)
    trades = []
    for bid, row, start, quantity in zip(*_fills(result), strict=True):
        order = by_row[bid]
        if row >= len(settled.pool_ids):
            trades.append(_licence_trade(settled, order, quantity, result["prices"][row][0], now))
            continue
        hours = book["bids"]["duration"][bid]
        prices = result["prices"][row][start : start + hours]
        pool = pools[settled.pool_ids[row]]
        trades.append(_compute_trade(settled, order, pool, start, quantity, prices, now))
    at_posted_price = [part for part in parts if part.row is None]
    for part in at_posted_price:
        assert part.price is not None
        trades.append(_licence_trade(settled, part.order, part.order.quantity, part.price, now))
    return trades


def _fills(result: dict[str, Any]) -> list[list[int]]:
    return [result["fills"][name] for name in ("bid", "pool", "start", "quantity")]


def _compute_trade(
    settled: Round, order: Order, pool: Pool, start: int, quantity: int, prices: list[int], now: datetime
) -> Trade:
    starts_at = settled.time_of(start)
    return Trade(
        round=settled,
        order=order,
        buyer_id=order.organisation_id,
        provider_id=pool.facility.provider_id,
        pool=pool,
        quantity=quantity,
        starts_at=starts_at,
        ends_at=starts_at + len(prices) * SLOT,
        prices=prices,
        total=quantity * sum(prices),
        traded_at=now,
    )


def _licence_trade(settled: Round, order: Order, seats: int, price: int, now: datetime) -> Trade:
    plan = order.plan
    assert plan is not None
    assert settled.closed_at is not None
    starts_at = settled.closed_at
    is_term = plan.kind == LicencePlan.Kind.TERM
    return Trade(
        round=settled,
        order=order,
        buyer_id=order.organisation_id,
        provider_id=plan.algorithm.publisher_id,
        plan=plan,
        quantity=seats,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(days=plan.term_days or 0) if is_term else None,
        prices=[price],
        total=seats * price,
        traded_at=now,
    )


def _sell_seats(trades: list[Trade]) -> None:
    seats: Counter[int] = Counter()
    for trade in trades:
        if trade.plan_id is not None:
            seats[trade.plan_id] += trade.quantity
    for plan_id in sorted(seats):
        sell_seats(plan_id=plan_id, seats=seats[plan_id])


def _contract(trade: Trade) -> ContractDraft:
    is_compute = trade.pool_id is not None
    assert trade.order.hold_id is not None
    return ContractDraft(
        source=f"order:{trade.order_id}",
        kind=Contract.Kind.COMPUTE if is_compute else Contract.Kind.LICENCE,
        buyer_id=trade.buyer_id,
        provider_id=trade.provider_id,
        hold_id=trade.order.hold_id,
        quantity=trade.quantity,
        starts_at=trade.starts_at,
        ends_at=trade.ends_at,
        total=trade.total,
        pool_id=trade.pool_id,
        plan_id=trade.plan_id,
        hourly_prices=trade.prices if is_compute else (),
        terms={"round": trade.round_id, "book_sha256": trade.round.book_sha256},
        bundle=trade.order.bundle,
    )


def _allocate_capacity(
    settled: Round, book: dict[str, Any], result: dict[str, Any], trades: list[Trade]
) -> None:
    capacities = settled.capacity_ids
    Allocation.objects.bulk_create(
        (
            Allocation(
                trade=trades[share.fill],
                capacity_id=capacities[share.ask],
                starts_at=settled.time_of(share.first),
                ends_at=settled.time_of(share.last),
                units=share.units,
            )
            for share in allocate(book, result)
            if share.ask < len(capacities)
        ),
        batch_size=BATCH,
    )


def _end_orders(settled: Round, trades: list[Trade], now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            END_ORDERS, [now, [trade.order_id for trade in trades], [trade.quantity for trade in trades]]
        )
        assert cursor.rowcount == len(trades), "an order of this round was changed while it was cleared"
    in_round = RoundOrder.objects.filter(round=settled).values("order")
    Order.objects.filter(pk__in=in_round, status=Order.Status.CLEARING).update(status=Order.Status.RESTING)
