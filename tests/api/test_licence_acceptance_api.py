"""A program accepts, disputes and ends a licence while its price is in escrow."""

from collections.abc import Callable

import pytest

from settlement.contracts.models import Contract
from settlement.contracts.operations import open_contracts
from settlement.ledger.queries import Balances, balance_of
from tests.api.conftest import Caller
from tests.factories.listings import LicencePlanFactory
from tests.factories.settlement import fund, licence_draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract(buyer, provider, now, clock, settings) -> Contract:
    settings.LICENCE_ACCEPTANCE_DAYS = 7
    plan = LicencePlanFactory(price=1000, algorithm__publisher=provider)
    fund(buyer, 3000)
    [opened] = open_contracts(drafts=[licence_draft(buyer, plan, now=now)], now=now)
    return opened


def test_a_program_sees_the_time_and_accepts(contract, buyer, provider, caller: Callable[..., Caller]):
    ours, theirs = caller(buyer), caller(provider)
    address = f"contracts/{contract.number}"
    assert ours.get(address).json()["acceptance_ends_at"] == "2026-06-08T04:00:00Z"
    assert ours.get(address).json()["terms"]["terms"]["acceptance"] == {"days": 7}
    assert theirs.post(f"{address}/acceptance", {}).status_code == 403
    accepted = ours.post(f"{address}/acceptance", {})
    assert (accepted.status_code, accepted.json()["status"]) == (200, "completed")
    assert accepted.json()["escrow_fen"] == 0
    again = ours.post(f"{address}/acceptance", {})
    assert (again.status_code, again.json()["code"]) == (409, "acceptance_refused")
    assert balance_of(provider) == Balances(receivable=2940)


def test_a_stranger_and_a_reader_do_not(contract, buyer, stranger, caller: Callable[..., Caller]):
    address = f"contracts/{contract.number}/acceptance"
    assert caller(stranger.organisation).post(address, {}).status_code == 404
    assert caller(buyer, scopes=["read"]).post(address, {}).status_code == 403


def test_a_program_disputes_an_amount_and_proposes_to_end_it(
    contract, buyer, provider, caller: Callable[..., Caller]
):
    ours, address = caller(buyer), f"contracts/{contract.number}"
    end = {"ground": "agreement", "reason": "It was bought twice."}
    proposed = ours.post(f"{address}/terminations", end)
    assert proposed.status_code == 201
    opened = ours.post(f"{address}/disputes", {"amount_fen": 100, "text": "A file is missing."})
    assert (opened.status_code, opened.json()["amount_fen"]) == (201, 100)
    answer = caller(provider).post(f"{address}/terminations/{proposed.json()['id']}/answer", {"accept": True})
    assert answer.json()["status"] == "accepted"
    assert ours.get(f"{address}/terminations").json()["termination"]["returned_fen"] == 2900
    contract.refresh_from_db()
    assert contract.escrow == 100
