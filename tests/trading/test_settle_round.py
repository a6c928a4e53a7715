"""A settled round is binding: hours sold, contracts, trades, money and prices all say the same."""

import pytest
from django.db import ProgrammingError, transaction

from listings.models import CapacityHour
from marketplace.trading.models import Order, Round, Trade
from settlement.contracts.models import Contract
from settlement.ledger.queries import Balances, balance_of
from tests.factories.listings import CapacityFactory, PoolFactory, hour
from tests.factories.trading import bid, cleared_round, funded_buyer

pytestmark = pytest.mark.django_db


def test_a_fill_becomes_a_trade_and_a_contract():
    capacity = CapacityFactory(reserve_price=1200)
    buyer = funded_buyer(24_000)
    order = bid(buyer)

    done = cleared_round()

    trade = Trade.objects.get()
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == (Order.Status.FILLED, 4)
    assert (trade.order, trade.pool, trade.quantity) == (order, capacity.pool, 4)
    assert (trade.buyer, trade.provider) == (buyer, capacity.pool.facility.provider)
    assert trade.ends_at - trade.starts_at == hour(3) - hour(0)
    assert trade.prices == [1200, 1200, 1200]  # nobody was refused, so the reserve price
    contract = Contract.objects.get()
    assert trade.contract == contract
    assert (contract.buyer, contract.provider) == (trade.buyer, trade.provider)
    assert (contract.total, contract.hourly_prices) == (14_400, trade.prices)
    assert (contract.starts_at, contract.ends_at) == (trade.starts_at, trade.ends_at)
    assert balance_of(buyer) == Balances(available=24_000 - 14_400, escrow=14_400)
    assert (done.matched_count, done.unit_hours, done.value) == (1, 12, 14_400)


def test_the_hours_are_sold_and_nothing_else():
    capacity = CapacityFactory()
    bid(quantity=4)
    cleared_round()
    trade = Trade.objects.get()
    sold = dict(capacity.hours.values_list("slot", "sold"))
    assert {slot for slot, units in sold.items() if units} == {
        slot for slot in sold if trade.starts_at <= slot < trade.ends_at
    }
    assert set(sold.values()) == {0, 4}


def test_a_divisible_bid_takes_what_there_is_and_gets_the_rest_of_its_hold_back():
    CapacityFactory(units=3, reserve_price=1000)
    buyer = funded_buyer()
    before = balance_of(buyer).available
    order = bid(buyer, quantity=8, minimum=2, hours=2)
    cleared_round()
    order.refresh_from_db()
    trade = order.trade
    assert (order.status, order.filled_quantity, trade.quantity) == (Order.Status.FILLED, 3, 3)
    balances = balance_of(buyer)
    assert balances.held == 0
    assert balances.escrow == trade.total
    assert balances.available == before - trade.total


def test_an_unfilled_order_rests_again_with_its_money_held():
    CapacityFactory(units=2)
    buyer = funded_buyer(24_000)
    order = bid(buyer)
    cleared_round()
    order.refresh_from_db()
    assert order.status == Order.Status.RESTING
    assert balance_of(buyer) == Balances(held=24_000)
    CapacityFactory()
    cleared_round()
    order.refresh_from_db()
    assert order.status == Order.Status.FILLED


def test_one_fill_over_several_capacities_is_one_trade():
    pool = PoolFactory()
    cheap = CapacityFactory(pool=pool, units=3, reserve_price=1000)
    dear = CapacityFactory(pool=pool, units=5, reserve_price=1500)
    bid(quantity=4)
    cleared_round()
    trade = Trade.objects.get()
    shares = list(trade.allocations.order_by("capacity").values_list("capacity", "units"))
    assert shares == [(cheap.pk, 3), (dear.pk, 1)]
    assert trade.prices == [1500] * 3
    for capacity, units in shares:
        sold = CapacityHour.objects.filter(capacity=capacity, sold=units)
        assert sold.count() == 3


def test_both_sides_have_one_price_in_a_slot():
    """Ten units for two bids of eight: the dearer wins, and the price is what kept the other out."""
    CapacityFactory(units=10, starts_at=hour(1), ends_at=hour(3), reserve_price=1000)
    window = {"quantity": 8, "hours": 2, "window_end": hour(3)}
    winner, loser = bid(limit_price=3000, **window), bid(limit_price=2000, **window)
    done = cleared_round()
    assert Trade.objects.get().order == winner
    loser.refresh_from_db()
    assert loser.status == Order.Status.RESTING
    curve = done.curves.get()
    assert curve.prices[:2] == Trade.objects.get().prices
    assert 2000 <= sum(curve.prices[:2]) / 2 <= 3000
    assert (curve.volumes[:3], curve.offered[:3]) == ([8, 8, 0], [10, 10, 0])


def test_the_past_stays_as_it_was():
    CapacityFactory()
    bid()
    done = cleared_round()
    for changed in (
        lambda: Trade.objects.update(total=1),
        lambda: Trade.objects.get().allocations.all().delete(),
        lambda: done.curves.update(prices=[]),
        lambda: Round.objects.filter(pk=done.pk).update(welfare=0),
        lambda: Round.objects.filter(pk=done.pk)._raw_delete("default"),
    ):
        with pytest.raises(ProgrammingError), transaction.atomic():
            changed()


def test_an_empty_round_settles():
    done = cleared_round()
    assert (done.status, done.order_count, done.matched_count) == (Round.Status.SETTLED, 0, 0)
