"""A bundle through the API: placed whole or not at all, seen and cancelled by its organisation alone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Member, Organisation
from marketplace.trading.models import Order
from settlement.ledger.queries import balance_of
from tests.api.conftest import Caller, bid
from tests.factories.listings import CapacityFactory, LicencePlanFactory, hour
from tests.factories.trading import cleared_round, fund

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def body(buyer: Organisation) -> dict[str, Any]:
    """Hours for at most 240 CNY and two seats for at most 100, and the money for both."""
    fund(buyer, 34_000)
    CapacityFactory(units=8, reserve_price=1000, ends_at=hour(24))
    plan = LicencePlanFactory(price=5000)
    return {"bid": bid(), "licence_order": {"plan": plan.pk, "seats": 2, "limit_price_fen": 5000}}


def test_a_bundle_is_placed_and_its_contracts_name_each_other(
    buyer: Organisation, body: dict[str, Any], caller: Callable[..., Caller]
) -> None:
    program = caller(buyer)
    placed = program.post("bundles", body)
    assert placed.status_code == 201, placed.content
    compute, licence = placed.json()["bid"], placed.json()["licence_order"]
    assert (compute["kind"], licence["kind"]) == ("bid", "licence")
    assert (compute["bundled_with"], licence["bundled_with"]) == (licence["id"], compute["id"])
    assert compute["held_fen"] + licence["held_fen"] == balance_of(buyer).held == 34_000
    cleared_round()
    contracts = [trade["contract"] for trade in program.get("trades").json()["results"]]
    named = [program.get(f"contracts/{each}").json()["terms"]["bundle"]["with"] for each in contracts]
    assert named == [contracts[1:], contracts[:1]]


def test_the_earlier_expiry_counts_for_both(
    buyer: Organisation, body: dict[str, Any], caller: Callable[..., Caller]
) -> None:
    body["licence_order"]["expires_at"] = hour(2)
    assert caller(buyer).post("bundles", body).status_code == 201
    assert set(Order.objects.values_list("expires_at", flat=True)) == {hour(2)}


@pytest.mark.parametrize(
    ("half", "change", "code"),
    [
        ("bid", {"quantity": 8}, "insufficient_funds"),
        ("bid", {"hubs": ["guizhou"]}, "no_eligible_pool"),
        ("licence_order", {"minimum": 3}, "invalid"),
        ("licence_order", {"plan": 0}, "not_found"),
    ],
)
def test_what_refuses_one_half_refuses_both(
    buyer: Organisation,
    body: dict[str, Any],
    caller: Callable[..., Caller],
    half: str,
    change: dict[str, Any],
    code: str,
) -> None:
    refused = caller(buyer).post("bundles", body | {half: body[half] | change})
    assert refused.json()["code"] == code
    assert not Order.objects.exists()
    assert balance_of(buyer).held == 0


def test_cancelling_one_half_cancels_both(
    buyer: Organisation, body: dict[str, Any], caller: Callable[..., Caller]
) -> None:
    program = caller(buyer)
    placed = program.post("bundles", body).json()
    program.post(f"orders/{placed['licence_order']['id']}/cancel")
    assert program.get(f"orders/{placed['bid']['id']}").json()["status"] == "cancelled"
    assert balance_of(buyer).available == 34_000


def test_a_teammate_who_may_only_look_places_none(viewer: Member, body: dict[str, Any]) -> None:
    browser = Client()
    browser.force_login(viewer.user)
    refused = browser.post("/api/v1/bundles", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert not Order.objects.exists()


def test_a_stranger_neither_sees_nor_cancels_a_half(
    buyer: Organisation, body: dict[str, Any], stranger: Member, caller: Callable[..., Caller]
) -> None:
    placed = caller(buyer).post("bundles", body).json()
    other = caller(stranger.organisation)
    for half in placed.values():
        assert other.get(f"orders/{half['id']}").status_code == 404
        assert other.post(f"orders/{half['id']}/cancel").status_code == 404
    assert set(Order.objects.values_list("status", flat=True)) == {Order.Status.RESTING}
