"""Lists come in pages that do not shift while rows are added."""

import base64
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Organisation
from tests.api.conftest import Caller
from tests.factories.listings import CapacityFactory, hour
from tests.factories.trading import bid, fund

pytestmark = pytest.mark.django_db


def test_rows_added_while_reading_neither_repeat_nor_hide_any(
    buyer: Organisation, caller: Callable[..., Caller]
) -> None:
    fund(buyer, 10_000_000)
    CapacityFactory(units=8, reserve_price=1000, ends_at=hour(24))
    before = [bid(buyer).pk for _ in range(5)]
    program = caller(buyer)
    first = program.get("orders", page_size=2).json()
    bid(buyer)
    seen = [row["id"] for row in first["results"]]
    following = first["next"]
    while following:
        page = program.client.get(following).json()
        seen += [row["id"] for row in page["results"]]
        following = page["next"]
    assert seen == before[::-1]


@pytest.mark.parametrize("position", ["abc", "", "%00", "1e5", "9" * 5000])
def test_a_made_up_cursor_is_refused(position: str) -> None:
    cursor = base64.b64encode(f"p={position}".encode()).decode()
    refused = Client().get("/api/v1/accelerators", {"cursor": cursor})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
