"""Fifty buyers want the last unit-hour, and several workers clear at once: one buyer gets it, once."""

import datetime
import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection

from accounts.models import Organisation
from listings.models import CapacityHour
from marketplace.trading.errors import CannotCancel
from marketplace.trading.models import Order, Round, RoundOrder, Trade
from marketplace.trading.operations.cancel_order import cancel_order
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.run_round import run_due_round
from settlement.contracts.models import Contract
from settlement.ledger.models import Account
from settlement.ledger.queries import balance_of
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory, hour
from tests.factories.trading import actor_of, bid, funded_buyer

pytestmark = pytest.mark.django_db(transaction=True)

BUYERS = 50
WORKERS = 4
GATE = NOW + datetime.timedelta(minutes=5)


def together(*acts: Callable[[], object]) -> None:
    """Run the acts in threads that start at once, each on its own connection."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        try:
            start.wait(timeout=60)
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads)


def test_one_of_fifty_gets_it():
    CapacityFactory(units=1, starts_at=hour(1), ends_at=hour(2), reserve_price=1000)
    buyers = [funded_buyer(10_000) for _ in range(BUYERS)]
    for buyer in buyers:
        actor_of(buyer)
    open_round(now=NOW)

    def buy(buyer: Organisation) -> Callable[[], object]:
        return lambda: bid(buyer, quantity=1, hours=1, window_end=hour(2))

    def work(now: datetime.datetime = GATE) -> object:
        return run_due_round(now=now)

    together(*(buy(buyer) for buyer in buyers), *([work] * WORKERS))
    for later in range(1, 4):  # whoever was placed after the first gate
        together(*([partial(work, GATE + later * datetime.timedelta(minutes=5))] * WORKERS))

    assert CapacityHour.objects.get().sold == 1
    trade, contract = Trade.objects.get(), Contract.objects.get()
    assert trade.contract == contract
    assert Order.objects.filter(status=Order.Status.FILLED).count() == 1
    assert Order.objects.filter(status=Order.Status.RESTING).count() == BUYERS - 1
    assert not Round.objects.filter(status=Round.Status.FAILED).exists()
    losers = [balance_of(buyer) for buyer in buyers if buyer != trade.buyer]
    assert {(each.available, each.held) for each in losers} == {(8_000, 2_000)}
    assert balance_of(trade.buyer).escrow == trade.total
    assert sum(Account.objects.values_list("balance", flat=True)) == 0


def test_cancelling_races_the_gate():
    """Whoever comes first: never both cancelled and in the book."""
    CapacityFactory(units=BUYERS)
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

    together(*(cancel(order) for order in orders), lambda: close_gate(round_id=opened.pk, now=NOW))
    in_book = set(RoundOrder.objects.values_list("order", flat=True))
    cancelled = set(Order.objects.filter(status=Order.Status.CANCELLED).values_list("pk", flat=True))
    assert in_book | cancelled == {order.pk for order in orders}
    assert not in_book & cancelled
    assert in_book == set(refused)
    for order in orders:
        assert (balance_of(order.organisation).held == 0) == (order.pk in cancelled)
