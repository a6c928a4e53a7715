"""Who accepts, disputes and ends a licence on its pages."""

import pytest
from django.test import Client

from accounts.models import Role
from settlement.contracts.models import Contract, Termination
from settlement.contracts.operations import open_contracts
from settlement.contracts.pdf import contract_pdf
from settlement.delivery.models import Dispute
from settlement.ledger.queries import Balances, balance_of
from tests.factories.listings import LicencePlanFactory
from tests.factories.settlement import licence_draft
from tests.settlement.browsing import as_user, member_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract(buyer, provider, fund, now, clock, settings) -> Contract:
    """Of 30 yuan, in the first moment of its seven days."""
    settings.LICENCE_ACCEPTANCE_DAYS = 7
    plan = LicencePlanFactory(price=1000, algorithm__publisher=provider)
    fund(buyer, 3000)
    [opened] = open_contracts(drafts=[licence_draft(buyer, plan, now=now)], now=now)
    return opened


@pytest.fixture
def path(contract) -> str:
    return f"/contracts/{contract.number}/"


def test_the_buyer_sees_how_long_it_has_and_accepts(contract, buyer, provider, path):
    ours, theirs = member_of(buyer, Role.TRADER), member_of(provider)
    page = text_of(ours.get(path))
    for words in ("To accept until", "1\xa0week left", "Accept the licence", "Open a dispute", "¥30.00"):
        assert words in page
    assert "has left the escrow yet" in page
    page = text_of(theirs.get(path))
    assert "Accept the licence" not in page
    assert "Open a dispute" in page
    assert "Accepted: the publisher has its price" in text_of(ours.post(path + "accept/", follow=True))
    assert balance_of(provider) == Balances(receivable=2940)
    for client in (ours, theirs):
        page = text_of(client.get(path))
        assert "Accepted by the buyer" in page
        assert "Accept the licence" not in page
        assert "Open a dispute" not in page
    assert "time to accept this licence is over" in text_of(ours.post(path + "accept/", follow=True))


def test_others_neither_see_nor_accept_it(contract, buyer, stranger, client, path):
    outsider = as_user(stranger.user)
    for role in (Role.VIEWER, Role.ENGINEER):
        teammate = member_of(buyer, role)
        page = text_of(teammate.get(path))
        assert "To accept until" in page
        assert "Accept the licence" not in page
        assert "Open a dispute" not in page
        assert "Your role does not include" in text_of(teammate.post(path + "accept/"), 403)
        assert teammate.get(path + "disputes/new/").status_code == 403
    for address in ("accept/", "disputes/new/", "termination/propose/"):
        assert outsider.post(path + address).status_code == 404
    assert client.post(path + "accept/").status_code == 302
    assert balance_of(buyer) == Balances(escrow=3000)


def test_the_publisher_does_not_accept_for_the_buyer(provider, contract, path):
    answer = text_of(member_of(provider).post(path + "accept/", follow=True))
    assert "Only the buyer of a licence accepts it." in answer


def test_a_part_of_the_price_is_disputed_and_decided(contract, buyer, provider, operator, path):
    ours, theirs, desk = member_of(buyer, Role.FINANCE), member_of(provider), as_user(operator)
    form = text_of(ours.get(path + "disputes/new/"))
    assert "From the hour" not in form
    assert "all that is in escrow" in form
    claim = {"amount": "12.50", "text": "One model of three is missing."}
    assert ours.post(path + "disputes/new/", claim).status_code == 302
    dispute = Dispute.objects.get()
    assert (dispute.amount, dispute.slots) == (1250, [contract.starts_at])
    for client in (ours, theirs):
        page = text_of(client.get(path))
        assert "¥12.50" in page
        assert "Accept the licence" not in page
        assert "One model of three is missing." in text_of(client.get(f"/disputes/{dispute.pk}/"))
    theirs.post(f"/disputes/{dispute.pk}/", {"text": "It follows next week."})
    assert "¥12.50" in text_of(desk.get(f"/operator/contracts/{contract.number}/"))
    decision = {"refund": "10", "text": "It was promised for today."}
    assert desk.post(f"/operator/disputes/{dispute.pk}/", decision).status_code == 302
    assert balance_of(buyer) == Balances(available=1000, escrow=1750)
    page = text_of(ours.get(path))
    assert "Dispute decided" in page
    assert "Accept the licence" in page, "what was not disputed can be accepted"


def test_without_an_amount_the_whole_price_is_disputed(contract, buyer, path):
    member_of(buyer).post(path + "disputes/new/", {"text": "It does not load."})
    assert Dispute.objects.get().amount == 3000


def test_the_parties_undo_it_on_the_page(contract, buyer, provider, path):
    ours, theirs = member_of(buyer, Role.TRADER), member_of(provider)
    page = text_of(ours.get(path + "termination/"))
    assert "From the hour" not in page
    assert "all that is in escrow goes back to the buyer" in page
    form = {"ground": "agreement", "reason": "It was bought twice."}
    assert ours.post(path + "termination/propose/", form).status_code == 302
    assert "proposes to end the contract." in text_of(theirs.get(path))
    [waiting] = contract.termination_proposals.all()
    theirs.post(path + "termination/answer/", {"proposal": waiting.pk, "answer": "accept"})
    assert balance_of(buyer) == Balances(available=3000)
    for client in (ours, theirs):
        assert "By agreement" in text_of(client.get(path))


def test_the_operator_ends_it_for_breach(contract, buyer, operator, settings):
    desk, page = as_user(operator), f"/operator/contracts/{contract.number}/"
    assert "From the hour" not in text_of(desk.get(page))
    form = {"ground": "breach:buyer", "reason": "It copied the weights to others."}
    assert desk.post(page, form).status_code == 302
    assert Termination.objects.get().break_fee == 300
    assert "End the contract" not in text_of(desk.get(page))


def test_once_the_time_is_over_the_pages_offer_nothing(contract, buyer, operator, path, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: contract.acceptance_ends_at)
    ours = member_of(buyer)
    page = text_of(ours.get(path))
    assert "Accept the licence" not in page
    assert "Open a dispute" not in page
    assert "Propose to end it" not in text_of(ours.get(path + "termination/"))
    assert "End the contract" not in text_of(as_user(operator).get(f"/operator/contracts/{contract.number}/"))
    refused = ours.post(path + "disputes/new/", {"text": "Too late."})
    assert "can be disputed no more" in text_of(refused)


def test_a_licence_that_was_paid_at_once_has_no_such_pages(buyer, fund, now, clock, settings):
    settings.LICENCE_ACCEPTANCE_DAYS = 0
    plan = LicencePlanFactory(price=1000)
    fund(buyer, 3000)
    [paid] = open_contracts(drafts=[licence_draft(buyer, plan, now=now)], now=now)
    client: Client = member_of(buyer)
    assert client.get(f"/contracts/{paid.number}/termination/").status_code == 404
    assert "To accept until" not in text_of(client.get(f"/contracts/{paid.number}/"))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_paper_says_it_too(contract, language):
    assert contract_pdf(contract, language=language).startswith(b"%PDF")
