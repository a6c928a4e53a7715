"""A round sends as many statements for sixty orders as for twenty: none is sent order by order."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplace.trading.models import Order
from marketplace.trading.operations.expire_orders import expire_orders
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory, LicencePlanFactory, hour
from tests.factories.trading import bid, cleared_round, funded_buyer, licence_order

pytestmark = pytest.mark.django_db


def statements_of_a_round_of(count: int, now: datetime.datetime) -> int:
    buyer = funded_buyer(10**12)
    capacity = CapacityFactory(units=count)
    plan, unlimited = LicencePlanFactory(supply=2 * count), LicencePlanFactory()
    for _ in range(count):
        accelerators = {capacity.pool.accelerator_id: None}
        bid(buyer, quantity=2, hours=2, accelerators=accelerators, now=now)
        licence_order(plan, buyer, seats=1, now=now)
        licence_order(unlimited, buyer, seats=1, now=now)
    with CaptureQueriesContext(connection) as sent:
        done = cleared_round(now)
    assert done.matched_count == 3 * count
    return len(sent)


def test_no_statement_is_sent_for_each_order():
    few = statements_of_a_round_of(20, NOW)
    many = statements_of_a_round_of(60, NOW + datetime.timedelta(minutes=5))
    assert many <= few


def test_expiring_sends_none_for_each_order_either(django_assert_max_num_queries):
    CapacityFactory(reserve_price=10**6)
    buyer = funded_buyer(10**12)
    for _ in range(20):
        bid(buyer)
    with django_assert_max_num_queries(15):
        assert expire_orders(now=hour(24)) == 20
    assert set(Order.objects.values_list("status", flat=True)) == {Order.Status.EXPIRED}
