"""Orders through the API: placed, estimated, explained, cancelled; each organisation its own."""

from collections.abc import Callable

import pytest

from accounts.models import Organisation
from marketplace.trading.models import Order
from settlement.ledger.queries import balance_of
from tests.api.conftest import Caller, bid
from tests.factories.listings import CapacityFactory, LicencePlanFactory, hour
from tests.factories.trading import cleared_round, fund

pytestmark = pytest.mark.django_db


@pytest.fixture
def funded(buyer: Organisation) -> Organisation:
    fund(buyer, 1_000_000)
    CapacityFactory(units=8, reserve_price=1000, ends_at=hour(24))
    return buyer


def test_a_bid_holds_the_most_it_can_cost(funded: Organisation, caller: Callable[..., Caller]) -> None:
    placed = caller(funded).post("bids", bid())
    assert placed.status_code == 201, placed.content
    assert placed.json()["status"] == "resting"
    assert balance_of(funded).held == 4 * 3 * 2000


def test_an_estimate_places_nothing(funded: Organisation, caller: Callable[..., Caller]) -> None:
    answer = caller(funded).post("estimates", bid()).json()
    assert answer["most_it_can_cost_fen"] == 24_000
    assert [pool["cost_fen"] for pool in answer["pools"]] == [4 * 3 * 1000]
    assert not Order.objects.exists()


def test_an_order_says_what_became_of_it(funded: Organisation, caller: Callable[..., Caller]) -> None:
    program = caller(funded)
    filled = program.post("bids", bid()).json()
    too_low = program.post("bids", bid(limit_price_fen=900)).json()
    cleared_round()
    assert program.get(f"orders/{filled['id']}").json()["status"] == "filled"
    explanation = program.get(f"orders/{too_low['id']}").json()["explanation"]
    assert (explanation["outcome"], explanation["raise_by_fen"]) == ("limit_too_low", 100)
    trade = program.get("trades").json()["results"][0]
    contract = program.get(f"contracts/{trade['contract']}").json()
    assert contract["total_fen"] == sum(trade["prices_fen"]) * 4
    assert contract["terms"]["number"] == trade["contract"]
    assert program.get("balance").json()["escrow_fen"] == contract["total_fen"]


def test_cancelling_releases_what_was_held(funded: Organisation, caller: Callable[..., Caller]) -> None:
    program = caller(funded)
    placed = program.post("bids", bid()).json()
    assert program.post(f"orders/{placed['id']}/cancel").json()["status"] == "cancelled"
    assert balance_of(funded).held == 0
    again = program.post(f"orders/{placed['id']}/cancel")
    assert again.status_code == 409
    assert "cannot be cancelled" in again.json()["detail"]


def test_a_licence_order_is_placed(funded: Organisation, caller: Callable[..., Caller]) -> None:
    plan = LicencePlanFactory(price=5000, supply=None)
    body = {"plan": plan.pk, "seats": 2, "limit_price_fen": 5000}
    assert caller(funded).post("licence-orders", body).json()["kind"] == "licence"


def test_without_the_money_nothing_is_placed(funded: Organisation, caller: Callable[..., Caller]) -> None:
    refused = caller(funded).post("bids", bid(quantity=8, hours=11, limit_price_fen=100_000))
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_funds")
    assert not Order.objects.exists()


def test_each_bad_field_is_named(funded: Organisation, caller: Callable[..., Caller]) -> None:
    refused = caller(funded).post("bids", bid(quantity=0, accelerators=[{"limit_price_fen": 5}]))
    assert refused.status_code == 422
    fields = {error["field"] for error in refused.json()["errors"]}
    assert fields == {"quantity", "accelerators.0.accelerator"}


def test_a_key_that_may_only_read_places_nothing(funded: Organisation, caller: Callable[..., Caller]) -> None:
    refused = caller(funded, ["read"]).post("bids", bid())
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert not Order.objects.exists()


def test_a_key_that_may_only_order_does_not_see_the_balance(
    funded: Organisation, caller: Callable[..., Caller]
) -> None:
    program = caller(funded, ["orders"])
    assert program.get("balance").status_code == 403
    assert program.get("statement").status_code == 403


def test_a_strangers_order_and_contract_are_not_found(
    funded: Organisation, provider: Organisation, caller: Callable[..., Caller]
) -> None:
    program, stranger = caller(funded), caller(provider)
    order = program.post("bids", bid()).json()
    cleared_round()
    number = program.get("contracts").json()["results"][0]["number"]
    assert stranger.get(f"orders/{order['id']}").status_code == 404
    assert stranger.post(f"orders/{order['id']}/cancel").status_code == 404
    assert stranger.get(f"contracts/{number}").status_code == 404
    for rows in ("orders", "trades", "contracts"):
        assert stranger.get(rows).json()["results"] == []


def test_the_statement_adds_up(funded: Organisation, caller: Callable[..., Caller]) -> None:
    program = caller(funded)
    program.post("bids", bid())
    found = program.get("statement").json()
    assert [line["amount_fen"] for line in found["lines"]] == [1_000_000, -24_000]
    assert found["closing_fen"] == found["lines"][-1]["balance_fen"] == 976_000
