"""What everybody may see: prices, volumes, depth and the index, by pool and hour, without identities."""

import datetime
import gzip
import hashlib
from decimal import Decimal

import pytest

from marketplace.trading.models import IndexPoint
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.queries.market import Level, depth, last_round, pool_prices, price_index
from marketplace.trading.queries.orders import (
    orders_of,
    published_document,
    published_json,
    published_rounds,
    round_summary,
    trades_of,
)
from tests.factories.accounts import NOW
from tests.factories.listings import AcceleratorFactory, CapacityFactory, PoolFactory, hour
from tests.factories.trading import bid, cleared_round, funded_buyer

pytestmark = pytest.mark.django_db


def test_before_the_first_round_there_is_nothing():
    pool = CapacityFactory().pool
    assert last_round() is None
    assert pool_prices(since=hour(1), hours=24) == []
    assert depth(pool=pool).supply == depth(pool=pool).demand == []
    assert price_index(since=NOW, until=hour(99)) == {}


def test_prices_by_pool_and_hour():
    capacity = CapacityFactory(reserve_price=1200, starts_at=hour(2), ends_at=hour(6))
    bid(hours=2, window_start=hour(3), window_end=hour(5))
    done = cleared_round()
    [row] = pool_prices(since=hour(0), hours=8)
    assert row.pool == capacity.pool
    table = {each.slot: (each.price, each.volume, each.offered) for each in row.hours}
    assert table == {
        hour(1): (None, 0, 0),
        hour(2): (1200, 0, 8),
        hour(3): (1200, 4, 8),
        hour(4): (1200, 4, 8),
        hour(5): (1200, 0, 8),
        hour(6): (None, 0, 0),
        hour(7): (None, 0, 0),
    }
    assert (row.volume, row.unsold, row.lowest, row.mean) == (8, 24, 1200, 1200)
    assert pool_prices(pools=[], since=hour(0), hours=8) == []
    assert pool_prices(since=hour(0), hours=8, published=done) == [row]


def test_depth_is_what_the_round_left():
    pool = PoolFactory()
    CapacityFactory(pool=pool, units=4, reserve_price=1000, starts_at=hour(1), ends_at=hour(3))
    CapacityFactory(pool=pool, units=2, reserve_price=3000, starts_at=hour(1), ends_at=hour(3))
    bid(quantity=3, hours=2, window_end=hour(3), limit_price=2000)
    for _ in range(2):
        bid(quantity=5, hours=1, window_end=hour(2), limit_price=900)
    cleared_round()
    whole = depth(pool=pool)
    assert whole.supply == [Level(1000, 2, 1), Level(3000, 4, 1)]
    assert whole.demand == [Level(900, 10, 2)]
    assert depth(pool=pool, slot=hour(2)).demand == []
    assert depth(pool=pool, slot=hour(2)).supply == [Level(1000, 1, 1), Level(3000, 2, 1)]
    assert depth(pool=PoolFactory()).supply == []


def test_the_index_weighs_pools_by_what_they_traded():
    accelerator = AcceleratorFactory()
    for units, reserve in ((1, 1000), (3, 2000)):
        CapacityFactory(
            pool__accelerator=accelerator,
            units=units,
            reserve_price=reserve,
            starts_at=hour(1),
            ends_at=hour(2),
        )
        bid(quantity=units, hours=1, window_end=hour(2), limit_price=reserve)
    cleared_round()
    point = IndexPoint.objects.get()
    assert (point.unit_hours, point.value) == (4, 1000 + 3 * 2000)
    CapacityFactory(pool__accelerator=accelerator, reserve_price=3500)
    bid(hours=1, limit_price=4000)
    cleared_round(hour(1))
    index = price_index(since=NOW, until=hour(99))
    levels = [(each.at, each.price, each.level) for each in index[accelerator]]
    assert levels == [(hour(0), 1750, 1000), (hour(1), 3500, 2000)]
    [day] = price_index(since=NOW, until=hour(99), step="day")[accelerator]
    assert day.price == Decimal(7000 + 4 * 3500) / 8
    assert price_index(since=hour(2), until=hour(99)) == {}
    assert price_index(since=NOW, until=hour(99), accelerators=[]) == {}


def test_a_round_is_summed_up():
    CapacityFactory(reserve_price=1000)
    bid(limit_price=2000)
    bid(limit_price=500)
    summary = round_summary(cleared_round())
    assert (summary.orders, summary.matched, summary.unit_hours, summary.value) == (2, 1, 12, 12_000)
    assert (summary.welfare, summary.baseline_welfare) == (12_000, 12_000)
    assert summary.better_than_baseline == 0
    assert summary.mean_price == 1000
    assert summary.gap is not None
    assert 0 <= summary.gap < 1


def test_book_and_result_are_published_by_their_hash_once_settled():
    CapacityFactory()
    bid()
    done = cleared_round()
    assert list(published_rounds()) == [done]
    for sha256 in (done.book_sha256, done.result_sha256):
        text = published_json(sha256)
        assert text is not None
        assert hashlib.sha256(text).hexdigest() == sha256
        assert gzip.decompress(published_document(sha256) or b"") == text
    assert published_json("0" * 64) is None


def test_an_unsettled_rounds_documents_stay_private():
    CapacityFactory()
    bid()
    closed = close_gate(round_id=open_round(now=NOW).pk, now=NOW)
    assert closed is not None
    assert published_json(closed.book_sha256) is None


def test_each_sees_ones_own_orders_and_trades_alone(django_assert_num_queries):
    capacity = CapacityFactory()
    buyer, stranger = funded_buyer(), funded_buyer()
    orders = [bid(buyer, now=NOW + datetime.timedelta(seconds=second)) for second in range(3)]
    cleared_round(NOW + datetime.timedelta(minutes=1))
    with django_assert_num_queries(2):
        seen = [(order, [*order.limits.all()], order.trade.pool.facility.city) for order in orders_of(buyer)]
    assert [order for order, *_ in seen] == orders[::-1]
    assert list(orders_of(stranger)) == list(trades_of(stranger)) == []
    bought, sold = trades_of(buyer), trades_of(capacity.pool.facility.provider)
    assert len(bought) == 3
    assert list(bought) == list(sold)
