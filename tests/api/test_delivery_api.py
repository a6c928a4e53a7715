"""A provider's agent reports over the API, and both parties see the same hours."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Organisation
from settlement.contracts.models import Contract
from settlement.contracts.operations import open_contracts
from settlement.delivery.operations import release
from tests.api.conftest import Caller
from tests.factories.listings import PoolFactory, hour
from tests.factories.settlement import compute_draft, fund

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract(buyer: Organisation, provider: Organisation) -> Contract:
    """Two units for three hours, of which two are over."""
    fund(buyer, 6200)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=hour(-3))
    [opened] = open_contracts(drafts=[draft], now=hour(-3))
    return opened


def readings(contract: Contract, *seconds: int, revision: int = 0) -> dict[str, Any]:
    figures = [
        {
            "contract": contract.number,
            "slot": hour(number - 2),
            "delivered_seconds": each,
            "meter": "agent",
            "revision": revision,
        }
        for number, each in enumerate(seconds)
    ]
    return {"readings": figures}


def test_what_the_agent_reports_the_buyer_sees(
    contract: Contract, buyer: Organisation, provider: Organisation, caller: Callable[..., Caller]
) -> None:
    agent, watcher = caller(provider), caller(buyer)
    for state in ("provisioning", "active"):
        answer = agent.post(f"contracts/{contract.number}/delivery/state", {"state": state, "note": "rack 4"})
        assert answer.json()["state"] == state
    assert agent.post("usage", readings(contract, 7200, 3600)).json() == {"stored": 2}
    assert agent.post("usage", readings(contract, 7200, 3600)).json() == {"stored": 0}
    release(now=hour(0))
    delivery = watcher.get(f"contracts/{contract.number}/delivery").json()
    assert (delivery["state"], delivery["hours_left"], delivery["escrow_fen"]) == ("active", 1, 1800)
    assert [each["source"] for each in delivery["reports"]] == ["api", "api"]
    hours = watcher.get(f"contracts/{contract.number}/hours").json()
    assert [each["state"] for each in hours] == ["settled", "returned", "scheduled"]
    assert [each["credit_fen"] for each in hours] == [0, 2400, 0]
    assert [each["availability"] for each in hours] == [1.0, 0.5, None]
    assert hours[0]["slot"] == "2026-06-01T02:00:00Z"
    assert hours == agent.get(f"contracts/{contract.number}/hours").json()


def test_only_the_provider_reports(
    contract: Contract, buyer: Organisation, caller: Callable[..., Caller]
) -> None:
    watcher = caller(buyer)
    assert watcher.post("usage", readings(contract, 7200)).status_code == 403
    refused = watcher.post(f"contracts/{contract.number}/delivery/state", {"state": "active"})
    assert refused.status_code == 403
    assert not contract.state_reports.exists()


def test_a_batch_is_stored_whole_or_not_at_all(
    contract: Contract, provider: Organisation, caller: Callable[..., Caller]
) -> None:
    agent = caller(provider)
    refused = agent.post("usage", readings(contract, 7200, 7200, 7200))  # The third is not over.
    assert refused.status_code == 422
    assert "not over" in refused.json()["detail"]
    assert not contract.usage_records.exists()
    assert agent.post("usage", {"readings": []}).status_code == 422


def test_a_dispute_runs_over_the_api(
    contract: Contract, buyer: Organisation, provider: Organisation, caller: Callable[..., Caller]
) -> None:
    claim = {"text": "It was slow.", "first_slot": hour(-2), "last_slot": hour(-1), "amount_fen": 500}
    opened = caller(buyer).post(f"contracts/{contract.number}/disputes", claim, key="one").json()
    again = caller(buyer).post(f"contracts/{contract.number}/disputes", claim | {"amount_fen": 501}).json()
    assert (opened["amount_fen"], opened["status"]) == (500, "open")
    assert again["code"] == "dispute_refused"
    answered = caller(provider).post(f"disputes/{opened['id']}/messages", {"text": "It was not."}).json()
    assert answered["status"] == "answered"
    assert [(each["kind"], each["organisation"]) for each in answered["messages"]] == [
        ("claim", buyer.name_en),
        ("answer", provider.name_en),
    ]
    assert caller(provider).get("disputes").json()["results"][0]["id"] == opened["id"]
    hours = caller(buyer).get(f"contracts/{contract.number}/hours").json()
    assert [each["state"] for each in hours] == ["disputed", "unmetered", "scheduled"]
