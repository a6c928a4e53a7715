"""Hundreds of buyers want the last unit-hours, and several workers clear at once: each is sold, once."""

import datetime
from collections.abc import Callable
from functools import partial

import pytest

from accounts.models import Organisation
from listings.models import CapacityHour
from marketplace.trading.errors import CannotCancel
from marketplace.trading.models import Order, Round, RoundOrder, RoundQuerySet, Trade
from marketplace.trading.operations.cancel_order import cancel_order
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.run_round import advance_round, run_due_round
from settlement.contracts.models import Contract
from settlement.ledger.check import differences
from settlement.ledger.queries import balance_of
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory, hour
from tests.factories.trading import actor_of, bid, funded_buyer
from tests.faults.races import at_once
from tests.listings.test_never_sold_twice import without_check

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 4
GATE = NOW + datetime.timedelta(minutes=5)


def work(now: datetime.datetime = GATE) -> object:
    return run_due_round(now=now)


@pytest.mark.parametrize(("count", "units"), [(200, 1), (500, 50)])
def test_as_many_buyers_as_there_are_units_get_one(count, units):
    CapacityFactory(units=units, starts_at=hour(1), ends_at=hour(2), reserve_price=1000)
    buyers = [funded_buyer(10_000) for _ in range(count)]
    for buyer in buyers:
        actor_of(buyer)
    open_round(now=NOW)

    def buy(buyer: Organisation) -> Callable[[], object]:
        return lambda: bid(buyer, quantity=1, hours=1, window_end=hour(2))

    buying = [buy(buyer) for buyer in buyers]
    at_once([*buying[: count // 2], *([work] * WORKERS), *buying[count // 2 :]])
    for later in range(1, 4):  # whoever was placed after the first gate
        at_once([partial(work, GATE + later * datetime.timedelta(minutes=5))] * WORKERS)

    assert CapacityHour.objects.get().sold == units
    trades = list(Trade.objects.select_related("contract"))
    assert len(trades) == Contract.objects.count() == units
    assert Order.objects.filter(status=Order.Status.FILLED).count() == units
    assert Order.objects.filter(status=Order.Status.RESTING).count() == count - units
    assert not Round.objects.filter(status=Round.Status.FAILED).exists()
    totals = {trade.buyer_id: trade.total for trade in trades}
    for buyer in buyers:
        balances = balance_of(buyer)
        if total := totals.get(buyer.pk):
            assert (balances.available, balances.escrow) == (10_000 - total, total)
        else:
            assert (balances.available, balances.held) == (8_000, 2_000)
    assert list(differences()) == []


def two_gates_on_one_unit_hour() -> list[Round | None]:
    """Two rounds whose gates close while neither has settled: both books would hold the same unit-hour."""
    CapacityFactory(units=1, starts_at=hour(1), ends_at=hour(2), reserve_price=1000)
    closed = []
    for _ in range(2):
        bid(quantity=1, hours=1, window_end=hour(2))
        closed.append(close_gate(round_id=open_round(now=NOW).pk, now=NOW))
    return closed


@pytest.fixture
def gates_close_whatever_is_unfinished(monkeypatch):
    monkeypatch.setattr(RoundQuerySet, "unfinished", lambda rounds: rounds.none())


def settle(closed: list[Round | None]) -> list[str]:
    return [advance_round(round_id=each.pk, now=NOW).status for each in closed if each]


def test_a_gate_stays_open_while_an_earlier_round_is_unfinished():
    first, second = two_gates_on_one_unit_hour()
    assert first
    assert second is None


def test_were_it_closed_the_database_would_refuse_to_sell_the_hour_twice(gates_close_whatever_is_unfinished):
    assert settle(two_gates_on_one_unit_hour()) == [Round.Status.SETTLED, Round.Status.FAILED]
    assert CapacityHour.objects.get().sold == Trade.objects.count() == 1
    assert Order.objects.filter(status=Order.Status.RESTING).count() == 1


def test_without_either_guard_it_is_sold_twice(gates_close_whatever_is_unfinished):
    with without_check():
        assert settle(two_gates_on_one_unit_hour()) == [Round.Status.SETTLED] * 2
        assert CapacityHour.objects.get().sold == 2


def test_cancelling_races_the_gate():
    """Whoever comes first: never both cancelled and in the book."""
    CapacityFactory(units=50)
    orders = [bid(quantity=1) for _ in range(12)]
    opened = open_round(now=NOW)
    refused = []

    def cancel(order: Order) -> Callable[[], object]:
        def act() -> None:
            try:
                cancel_order(actor=actor_of(order.organisation), order_id=order.pk, now=NOW)
            except CannotCancel:
                refused.append(order.pk)

        return act

    close = partial(close_gate, round_id=opened.pk, now=NOW)
    at_once([*map(cancel, orders[:6]), close, *map(cancel, orders[6:])])
    in_book = set(RoundOrder.objects.values_list("order", flat=True))
    cancelled = set(Order.objects.filter(status=Order.Status.CANCELLED).values_list("pk", flat=True))
    assert in_book | cancelled == {order.pk for order in orders}
    assert not in_book & cancelled
    assert in_book == set(refused)
    for order in orders:
        assert (balance_of(order.organisation).held == 0) == (order.pk in cancelled)
