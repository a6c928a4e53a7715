"""At the gate the book is frozen: what it holds, in one fixed order, without anybody's name."""

import datetime
import hashlib
import json

import pytest
from django.conf import settings
from django.db import ProgrammingError, transaction

from accounts.models import Organisation
from listings.errors import InRound
from listings.operations import pause_capacity
from marketplace.trading.documents import content_of
from marketplace.trading.models import Order, Round, RoundOrder
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.fail_round import fail_round
from marketplace.trading.operations.open_round import open_round
from settlement.ledger.models import AccountKind, Currency, TransferKind
from settlement.ledger.operations import Posting, open_accounts, platform_account, post_transfer
from settlement.payments.operations import pay_arrears
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory, LicencePlanFactory, PoolFactory, hour
from tests.factories.trading import actor_of, bid, fund, funded_buyer, licence_order

pytestmark = pytest.mark.django_db


def closed(now: datetime.datetime = NOW) -> Round:
    done = close_gate(round_id=open_round(now=now).pk, now=now)
    assert done is not None
    return done


def test_the_book_holds_every_ask_and_bid():
    pool = PoolFactory()
    cheap = CapacityFactory(pool=pool, reserve_price=1000)
    cheap.hours.filter(slot=hour(5)).update(sold=3)
    order = bid(quantity=6, minimum=2, accelerators={pool.accelerator_id: 1700}, limit_price=None)

    done = closed()

    book = content_of(done.book)
    slots = settings.HORIZON_SLOTS
    assert (book["slots"], book["pools"]) == (slots, 1)
    assert book["asks"] == {  # slot 0 is hour 1, the first full hour after the gate
        "pool": [0, 0, 0],
        "first": [0, 4, 5],
        "last": [4, 5, 23],
        "quantity": [8, 5, 8],
        "price": [1000, 1000, 1000],
        "placed": [0, 1, 2],
    }
    assert book["bids"] == {
        "quantity": [6],
        "minimum": [2],
        "duration": [3],
        "earliest": [0],
        "latest": [11],
        "placed": [3],
    }
    assert book["options"] == {"bid": [0], "pool": [0], "price": [1700]}
    assert (done.pool_ids, done.capacity_ids) == ([pool.pk], [cheap.pk] * 3)
    assert done.horizon_start == hour(1)
    order.refresh_from_db()
    assert order.status == Order.Status.CLEARING


def test_its_hash_is_of_the_text_and_the_same_for_the_same_rows():
    CapacityFactory()
    bid()
    with transaction.atomic():
        first = closed()
        transaction.set_rollback(True)
    again = closed()
    assert first.book_sha256 == again.book_sha256
    text = json.dumps(content_of(again.book), separators=(",", ":")).encode()
    assert hashlib.sha256(text).hexdigest() == again.book_sha256


def test_the_frozen_book_cannot_be_rewritten():
    done = closed()
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        Round.objects.filter(pk=done.pk).update(book=b"another")


def test_earlier_orders_come_earlier_whatever_their_ids():
    capacity = CapacityFactory(created_at=NOW + datetime.timedelta(minutes=1))
    later = bid(now=NOW + datetime.timedelta(minutes=2))
    earlier = bid(now=NOW)
    done = closed(NOW + datetime.timedelta(minutes=5))
    book = content_of(done.book)
    assert list(done.round_orders.order_by("row").values_list("order", flat=True)) == [earlier.pk, later.pk]
    assert book["bids"]["placed"] == [0, 2]
    assert book["asks"]["placed"] == [1]
    assert done.capacity_ids == [capacity.pk]


def test_the_next_round_opens_at_once():
    done = closed()
    following = open_round(now=NOW)
    assert following.pk != done.pk
    assert following.gate_at == NOW + datetime.timedelta(minutes=settings.ROUND_MINUTES)


def test_a_closed_gate_does_not_close_again_nor_past_an_unfinished_round():
    done = closed()
    assert close_gate(round_id=done.pk, now=NOW) is None
    assert close_gate(round_id=open_round(now=NOW).pk, now=NOW) is None


def test_capacity_in_the_book_cannot_be_changed():
    capacity = CapacityFactory()
    closed()
    with pytest.raises(InRound):
        pause_capacity(actor=actor_of(capacity.pool.facility.provider), capacity=capacity, now=NOW)


def test_a_late_gate_sells_no_hour_that_has_begun():
    open_round(now=NOW)
    assert closed(hour(3)).horizon_start == hour(4)


def test_bids_the_horizon_does_not_reach_wait_outside(settings):
    settings.HORIZON_SLOTS = 5
    CapacityFactory()
    inside = bid(window_start=hour(1), window_end=hour(20))
    outside = bid(window_start=hour(4), window_end=hour(20))
    done = closed()
    assert content_of(done.book)["bids"]["latest"] == [5]
    outside.refresh_from_db()
    inside.refresh_from_db()
    assert (inside.status, outside.status) == (Order.Status.CLEARING, Order.Status.RESTING)


def test_an_order_without_an_option_is_in_the_round_but_not_in_the_book():
    CapacityFactory()
    other = PoolFactory()
    bid(accelerators={other.accelerator_id: None})
    done = closed()
    assert content_of(done.book)["bids"]["quantity"] == []
    assert done.order_count == 1
    assert done.round_orders.get().row is None


def test_organisations_that_are_no_longer_verified_wait_outside():
    CapacityFactory()
    buyer = funded_buyer()
    order = bid(buyer)
    Organisation.objects.filter(pk=buyer.pk).update(
        verification=Organisation.Verification.REJECTED, verification_note="Licence lapsed."
    )
    assert closed().order_count == 0
    order.refresh_from_db()
    assert order.status == Order.Status.RESTING


def test_a_buyers_own_pools_are_no_option():
    own, other = CapacityFactory().pool, CapacityFactory().pool
    buyer = own.facility.provider
    buyer.activity = Organisation.Activity.BOTH
    buyer.save()
    fund(buyer, 1_000_000)
    bid(buyer)
    done = closed()
    options = content_of(done.book)["options"]["pool"]
    assert [done.pool_ids[row] for row in options] == [other.pk]


def test_a_plan_of_limited_supply_is_a_pool_with_one_slot():
    capacity = CapacityFactory()
    plan = LicencePlanFactory(supply=10, sold=4, price=500)
    unlimited = LicencePlanFactory()
    order = licence_order(plan, seats=3, limit_price=700)
    posted = licence_order(unlimited)
    done = closed()
    book = content_of(done.book)
    assert (done.pool_ids, done.plan_ids) == ([capacity.pool_id], [plan.pk])
    assert {name: column[-1] for name, column in book["asks"].items()} == {
        "pool": 1,
        "first": 0,
        "last": 1,
        "quantity": 6,
        "price": 500,
        "placed": 1,
    }
    assert book["options"] == {"bid": [0], "pool": [1], "price": [700]}
    assert RoundOrder.objects.get(order=order).row == 0
    assert (RoundOrder.objects.get(order=posted).row, RoundOrder.objects.get(order=posted).price) == (
        None,
        unlimited.price,
    )


def test_an_option_that_can_never_hold_the_bid_is_left_out():
    """Eight units in the first pool; sixteen in the second, but never for three hours in a row."""
    small, gappy, large = (PoolFactory() for _ in range(3))
    CapacityFactory(pool=small, units=8)
    CapacityFactory(pool=gappy, units=16).hours.filter(slot__in=[hour(3), hour(6), hour(9)]).update(sold=1)
    CapacityFactory(pool=large, units=16)
    bid(quantity=16, window_end=hour(11))
    bid(quantity=16, minimum=8, window_end=hour(11))
    nowhere = bid(quantity=20, window_end=hour(11))
    done = closed()
    options = content_of(done.book)["options"]
    pools = {small.pk: 0, gappy.pk: 1, large.pk: 2}
    assert done.pool_ids == list(pools)
    assert list(zip(options["bid"], options["pool"], strict=True)) == [(0, 2), (1, 0), (1, 1), (1, 2)]
    left_out = RoundOrder.objects.get(order=nowhere)
    assert (left_out.row, left_out.pool, left_out.units_available) == (None, large, 16)


def test_orders_of_an_organisation_in_arrears_rest_until_they_are_paid():
    CapacityFactory()
    owing, other = bid(), bid()
    accounts = open_accounts(organisation=owing.organisation)
    stripe = platform_account(kind=AccountKind.STRIPE).shard_for("")
    draft = {"source": "test", "source_id": "1", "now": NOW}
    lines = [Posting(accounts[AccountKind.ARREARS], -500), Posting(stripe, 500)]
    post_transfer(kind=TransferKind.CHARGEBACK, postings=lines, **draft)

    first = closed()
    assert [part.order for part in RoundOrder.objects.filter(round=first)] == [other]
    owing.refresh_from_db()
    assert owing.status == Order.Status.RESTING
    fail_round(round_id=first.pk, fence=first.fence, status=Round.Status.CLOSED, error="test", now=NOW)

    fund(owing.organisation, 500)
    pay_arrears(organisation_ids=[owing.organisation_id], currency=Currency.CNY, now=NOW)
    second = closed()
    assert owing in [part.order for part in RoundOrder.objects.filter(round=second)]
