"""Who ends a contract on its pages, and over the API."""

import datetime

import pytest
from django.test import Client

from accounts.models import Role
from settlement.contracts.models import Contract, Ground, Termination, TerminationProposal
from settlement.contracts.operations import open_contracts
from settlement.delivery.operations import propose_termination
from settlement.ledger.queries import Balances, balance_of
from tests.factories.listings import PoolFactory
from tests.factories.settlement import HOUR, acting, compute_draft
from tests.settlement.browsing import member_of, text_of

pytestmark = pytest.mark.django_db

START = datetime.datetime(2026, 6, 1, 5, 0, tzinfo=datetime.UTC)


@pytest.fixture
def contract(buyer, provider, fund, now, clock) -> Contract:
    fund(buyer, 6200)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=now)
    [opened] = open_contracts(drafts=[draft], now=now)
    return opened


def slot(number) -> str:
    return (START + number * HOUR).isoformat()


def test_one_party_proposes_and_the_other_accepts(contract, buyer, provider):
    path = f"/contracts/{contract.number}/termination/"
    ours, theirs = member_of(buyer, Role.TRADER), member_of(provider, Role.OWNER)
    assert "Propose to end it" in text_of(ours.get(path))
    form = {"ground": "agreement", "from_slot": slot(1), "reason": "Our project is over."}
    assert ours.post(path + "propose/", form).status_code == 302
    assert "Your proposal waits" in text_of(ours.get(path))
    asked = text_of(theirs.get(path))
    assert "Our project is over." in asked
    assert "proposes to end the contract" in text_of(theirs.get(f"/contracts/{contract.number}/"))
    waiting = TerminationProposal.objects.get()
    answer = {"proposal": waiting.pk, "answer": "accept"}
    assert "The other party accepts" in text_of(ours.post(path + "answer/", answer, follow=True))
    assert theirs.post(path + "answer/", answer).status_code == 302
    contract.refresh_from_db()
    assert balance_of(buyer) == Balances(available=4200, escrow=2000)  # The first hour is still to come.
    for client in (ours, theirs):
        summary = text_of(client.get(f"/contracts/{contract.number}/"))
        assert "terminated from" in summary
        assert "of it ¥42.00 went back" in summary
        seen = text_of(client.get(path))
        assert "This contract ends" in seen
        assert "¥42.00" in seen
        assert "Propose to end it" not in seen


def test_a_proposal_is_declined_or_withdrawn(contract, buyer, provider):
    path = f"/contracts/{contract.number}/termination/"
    for answerer, status in ((provider, "declined"), (buyer, "withdrawn")):
        proposal = propose_termination(
            actor=acting(buyer),
            contract_id=contract.pk,
            ground=Ground.AGREEMENT,
            from_slot=START,
            reason="x",
            now=START - HOUR,
        )
        member_of(answerer, Role.OWNER).post(path + "answer/", {"proposal": proposal.pk, "answer": "no"})
        proposal.refresh_from_db()
        assert proposal.status == status
    assert not Termination.objects.exists()


def test_others_neither_see_nor_end_it(contract, buyer, stranger, client):
    path = f"/contracts/{contract.number}/termination/"
    form = {"ground": "agreement", "from_slot": slot(1), "reason": "x"}
    viewer, outsider = member_of(buyer, Role.VIEWER), Client()
    outsider.force_login(stranger.user)
    assert "Propose to end it" not in text_of(viewer.get(path))
    assert "Your role does not include" in text_of(viewer.post(path + "propose/", form), 403)
    assert viewer.post(path + "answer/", {"proposal": 1}).status_code == 403
    assert outsider.get(path).status_code == 404
    for act in ("propose/", "answer/"):
        assert outsider.post(path + act, form).status_code == 404
    assert client.get(path).status_code == 302
    assert not TerminationProposal.objects.exists()


def test_the_operator_decides_on_a_breach(contract, buyer, provider, operator, owner, stranger):
    desk = Client()
    desk.force_login(operator)
    path = f"/operator/contracts/{contract.number}/"
    assert contract.number in text_of(desk.get("/operator/contracts/", {"number": contract.number[-4:]}))
    assert "No contract has such a number" in text_of(desk.get("/operator/contracts/", {"number": "none"}))
    assert "Breach by the provider" in text_of(desk.get(path))
    form = {"ground": "breach:buyer", "from_slot": slot(0), "reason": "It did not come."}
    assert "required" in text_of(desk.post(path, form | {"reason": ""}), 422)
    for user in (owner.user, stranger.user):
        other = Client()
        other.force_login(user)
        assert other.get(path).status_code == 403
        assert other.post(path, form).status_code == 403
    assert desk.post(path, form).status_code == 302
    termination = Termination.objects.get()
    assert (termination.breaching, termination.break_fee) == (buyer, 620)
    seen = text_of(desk.get(path))
    assert "End the contract" not in seen
    assert "¥55.80" in seen
