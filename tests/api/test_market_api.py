"""What a round publishes is open to all, and the documents are the very bytes that were hashed."""

import hashlib

import pytest
from django.test import Client

from marketplace.clearing.verify import violations
from tests.factories.listings import CapacityFactory, hour
from tests.factories.trading import bid, cleared_round

pytestmark = pytest.mark.django_db


def test_a_stranger_can_verify_a_round(clock: object) -> None:
    CapacityFactory(units=8, reserve_price=1000, ends_at=hour(24))
    bid()
    done = cleared_round()
    anyone = Client()
    shown = anyone.get(f"/api/v1/rounds/{done.pk}").json()
    book = anyone.get(f"/api/v1/documents/{shown['book_sha256']}")
    result = anyone.get(f"/api/v1/documents/{shown['result_sha256']}")
    assert hashlib.sha256(book.content).hexdigest() == shown["book_sha256"]
    assert violations(book.json(), result.json()) == []
    assert shown["matched_count"] == 1


def test_prices_depth_and_index_name_nobody(clock: object) -> None:
    capacity = CapacityFactory(units=8, reserve_price=1000, ends_at=hour(24))
    order = bid()
    cleared_round()
    anyone = Client()
    prices = anyone.get("/api/v1/market/prices", {"pool": capacity.pool_id, "hours": 12})
    traded = [cell for cell in prices.json()[0]["hours"] if cell["volume"]]
    assert {cell["price_fen"] for cell in traded} == {1000}
    assert len(traded) == 3
    depth = anyone.get(f"/api/v1/market/pools/{capacity.pool_id}/depth")
    assert depth.json()["supply"][0]["price_fen"] == 1000
    index = anyone.get("/api/v1/market/index")
    for answer in (prices, depth, index):
        assert order.organisation.name_en not in answer.content.decode()


def test_a_document_that_is_not_published_is_not_found() -> None:
    assert Client().get(f"/api/v1/documents/{'0' * 64}").status_code == 404
