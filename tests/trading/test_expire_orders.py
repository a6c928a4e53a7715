"""An unfilled order rests until it expires, then its money is free again."""

import datetime

import pytest

from marketplace.trading.models import Order
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.expire_orders import expire_orders
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.place_bid import place_bid
from settlement.ledger.queries import Balances, balance_of
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory, hour
from tests.factories.trading import actor_of, bid, cleared_round, fund, terms

pytestmark = pytest.mark.django_db
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def order(buyer) -> Order:
    CapacityFactory(reserve_price=9_000)
    fund(buyer, 24_000)
    return bid(buyer)


def test_it_rests_through_rounds_that_do_not_fill_it(order, buyer):
    cleared_round()
    cleared_round(hour(1))
    order.refresh_from_db()
    assert order.status == Order.Status.RESTING
    assert balance_of(buyer).held == 24_000


def test_it_ends_when_its_window_leaves_no_start_that_is_still_sold(order, buyer):
    """Its last start is hour 9; after 8:00 the first hour that a gate still sells is hour 9."""
    assert expire_orders(now=hour(9) - MINUTE) == 0
    assert expire_orders(now=hour(9)) == 1
    order.refresh_from_db()
    assert (order.status, order.ended_at) == (Order.Status.EXPIRED, hour(9))
    assert balance_of(buyer) == Balances(available=24_000)
    assert expire_orders(now=hour(9)) == 0


def test_it_ends_at_the_time_its_buyer_chose(buyer):
    CapacityFactory()
    fund(buyer, 24_000)
    order = place_bid(actor=actor_of(buyer), terms=terms(), expires_at=NOW + MINUTE, now=NOW)
    assert expire_orders(now=NOW) == 0
    assert expire_orders(now=NOW + MINUTE) == 1
    order.refresh_from_db()
    assert order.status == Order.Status.EXPIRED


def test_the_gate_expires_what_it_can_no_longer_sell(order):
    closed = close_gate(round_id=open_round(now=NOW).pk, now=hour(9))
    assert closed.order_count == 0
    order.refresh_from_db()
    assert order.status == Order.Status.EXPIRED


def test_an_order_being_cleared_waits_for_its_round(order):
    close_gate(round_id=open_round(now=NOW).pk, now=NOW)
    assert expire_orders(now=hour(20)) == 0
