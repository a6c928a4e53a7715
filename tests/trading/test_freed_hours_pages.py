"""Who offers freed hours again: on the contract's page, and over the API."""

import pytest
from django.test import Client

from accounts.models import Role, Scope
from listings.models import Capacity
from marketplace.trading.models import FreedHours, Trade
from settlement.contracts.models import Contract, Ground
from settlement.delivery.operations import answer_proposal, propose_termination
from tests.api.conftest import Caller
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory, hour
from tests.factories.settlement import acting
from tests.factories.trading import bid, cleared_round
from tests.settlement.browsing import as_user, member_of, text_of

pytestmark = pytest.mark.django_db
BUTTON = "Offer the freed hours again"


@pytest.fixture
def capacity(clock) -> Capacity:
    return CapacityFactory(starts_at=hour(1), ends_at=hour(4))


@pytest.fixture
def contract(capacity) -> Contract:
    bid(quantity=4, hours=3)
    cleared_round()
    return Trade.objects.get().contract


def end(contract: Contract, ground: Ground = Ground.AGREEMENT) -> None:
    """From its second hour on."""
    proposal = propose_termination(
        actor=acting(contract.buyer),
        contract_id=contract.pk,
        ground=ground,
        from_slot=hour(2),
        reason="Done.",
        now=NOW,
    )
    answer_proposal(actor=acting(contract.provider), proposal_id=proposal.pk, accept=True, now=NOW)


def sold(capacity: Capacity) -> list[int]:
    return list(capacity.hours.order_by("slot").values_list("sold", flat=True))


def test_the_provider_offers_them_again_on_the_contracts_page(contract, capacity):
    page = f"/contracts/{contract.number}/"
    trader = member_of(contract.provider, Role.TRADER)
    assert "Freed hours" not in text_of(trader.get(page))
    end(contract)
    before = text_of(trader.get(page))
    assert BUTTON in before
    assert "8 unit-hours" in before
    after = text_of(trader.post(page + "freed-hours/", follow=True))
    assert "The freed hours are for sale again." in after
    assert "Offered again" in after
    assert BUTTON not in after
    assert sold(capacity) == [4, 0, 0]
    again = text_of(trader.post(page + "freed-hours/", follow=True))
    assert "offered again already" in again
    assert sold(capacity) == [4, 0, 0]


def test_a_teammate_who_may_not_list_sees_them_and_the_buyer_and_strangers_do_not(
    contract, capacity, stranger, client
):
    end(contract)
    page = f"/contracts/{contract.number}/"
    engineer = member_of(contract.provider, Role.ENGINEER)
    seen = text_of(engineer.get(page))
    assert "Freed hours" in seen
    assert BUTTON not in seen
    assert "Your role does not include" in text_of(engineer.post(page + "freed-hours/"), 403)
    buyer = member_of(contract.buyer)
    assert "Freed hours" not in text_of(buyer.get(page))
    assert "Only the provider" in text_of(buyer.post(page + "freed-hours/", follow=True))
    assert as_user(stranger.user).post(page + "freed-hours/").status_code == 404
    assert client.post(page + "freed-hours/").status_code == 302
    assert as_user(acting(contract.provider).user).get(page + "freed-hours/").status_code == 405
    assert sold(capacity) == [4, 4, 4]


def test_after_force_majeure_the_page_says_why_not(contract):
    end(contract, Ground.FORCE_MAJEURE)
    seen = text_of(member_of(contract.provider).get(f"/contracts/{contract.number}/"))
    assert "nobody can say that these hours can be delivered" in seen
    assert BUTTON not in seen


def test_a_program_offers_them_once(contract, capacity, clock):
    address = f"contracts/{contract.number}/freed-hours"
    program = Caller(contract.provider, list(Scope), clock)
    refused = program.post(address)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_freed")
    end(contract)
    free = {
        "first_slot": "2026-06-01T06:00:00Z",
        "unit_hours": 8,
        "refusal": "",
        "offered": None,
    }
    assert program.get(address).json() == free
    answer = program.post(address, key="1")
    offered = {"first_slot": "2026-06-01T06:00:00Z", "unit_hours": 8, "offered_at": "2026-06-01T04:00:00Z"}
    assert (answer.status_code, answer.json()) == (201, offered)
    assert program.post(address, key="1").json() == offered
    assert program.post(address, key="2").json()["code"] == "not_freed"
    now_free = program.get(address).json()
    assert (now_free["unit_hours"], now_free["offered"]) == (0, offered)
    assert sold(capacity) == [4, 0, 0]
    assert FreedHours.objects.get().offered_by is None


def test_only_the_providers_key_with_the_scope_of_listings_offers_them(contract, capacity, stranger, clock):
    end(contract)
    address = f"contracts/{contract.number}/freed-hours"
    for organisation in (contract.buyer, stranger.organisation):
        program = Caller(organisation, list(Scope), clock)
        assert [program.get(address).status_code, program.post(address).status_code] == [404, 404]
    reader = Caller(contract.provider, [Scope.READ, Scope.ORDERS], clock)
    assert reader.get(address).status_code == 200
    assert reader.post(address).status_code == 403
    assert Client().get(f"/api/v1/{address}").status_code == 401
    assert sold(capacity) == [4, 4, 4]
