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


@pytest.mark.parametrize("asked", ["0", "201", "-1", "1.5", "null", "", "9" * 5000])
def test_a_page_size_that_cannot_be_given_is_refused(
    buyer: Organisation, caller: Callable[..., Caller], asked: str
) -> None:
    refused = caller(buyer).get("orders", page_size=asked)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "page_size")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("market/index?step=", "step"),
        ("market/prices?since=", "since"),
        ("statement?until=", "until"),
        ("pools?facility=1.5", "facility"),
        ("pools?facility=", "facility"),
        ("pools?domestic=maybe", "domestic"),
        ("orders?status=", "status"),
    ],
)
def test_an_empty_or_broken_parameter_is_not_passed_over(
    buyer: Organisation, caller: Callable[..., Caller], path: str, field: str
) -> None:
    refused = caller(buyer).send("GET", path)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
