"""A contract ends before its time: what is over is settled, what is not goes by its ground's money rule."""

import datetime
import importlib

import pytest
from django.db import ProgrammingError, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.audit import Actor
from accounts.errors import NotAllowed
from accounts.models import AuditEvent, OutgoingEmail, Role
from settlement.contracts.errors import TerminationRefused
from settlement.contracts.models import Contract, Ground, Termination, TerminationProposal
from settlement.contracts.operations import open_contracts
from settlement.contracts.termination import break_fees
from settlement.delivery.errors import BadReading, DisputeRefused, NotThatState
from settlement.delivery.models import Delivery, StateReport
from settlement.delivery.operations import (
    Reading,
    answer_dispute,
    answer_proposal,
    decide_dispute,
    open_dispute,
    propose_termination,
    release,
    report_access,
    report_state,
    report_usage,
    terminate,
)
from settlement.delivery.queries import left_of
from settlement.ledger.check import differences
from settlement.ledger.models import Transfer, TransferKind
from settlement.ledger.queries import Balances, balance_of
from settlement.money import half_even
from tests.factories.listings import PoolFactory
from tests.factories.settlement import HOUR, acting, compute_draft, meter
from tests.settlement.triggers import drop_trigger

pytestmark = pytest.mark.django_db

START = datetime.datetime(2026, 6, 1, 5, 0, tzinfo=datetime.UTC)
PRICES = (1000, 1200, 901, 333)  # Two units each: 2000, 2400, 1802 and 666 fen.
TOTAL = 6868


@pytest.fixture
def contract(buyer, provider, fund, now, settings) -> Contract:
    settings.BREAK_FEE_BASIS_POINTS, settings.FEE_BASIS_POINTS = 1000, 200
    fund(buyer, TOTAL)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=now, prices=PRICES)
    [opened] = open_contracts(drafts=[draft], now=now)
    settings.BREAK_FEE_BASIS_POINTS = 9999  # A contract's own terms hold, whatever comes later.
    return opened


def slot(number: int) -> datetime.datetime:
    return START + number * HOUR


def by_operator(operator, contract, ground, breaching=None, *, first=2, now=START) -> Termination:
    return terminate(
        actor=Actor(user=operator),
        contract_id=contract.pk,
        ground=ground,
        breaching_id=breaching and breaching.pk,
        from_slot=slot(first),
        reason="The centre is closed.",
        now=now,
    )


def proposed(contract, by, *, first=2, now=START, ground=Ground.AGREEMENT) -> TerminationProposal:
    return propose_termination(
        actor=acting(by),
        contract_id=contract.pk,
        ground=ground,
        from_slot=slot(first),
        reason="Done.",
        now=now,
    )


def status(contract) -> str:
    contract.refresh_from_db()
    return contract.status


@pytest.mark.parametrize(
    ("ground", "breaching", "break_fee"),
    [
        (Ground.FORCE_MAJEURE, None, 0),
        (Ground.BREACH, "provider", 0),
        (Ground.BREACH, "buyer", 247),  # 10 % of 2468 fen, half-even.
    ],
)
def test_each_ground_has_its_money_rule(
    request, operator, contract, buyer, provider, ground, breaching, break_fee
):
    meter(contract, now=slot(2))
    party = breaching and request.getfixturevalue(breaching)
    termination = by_operator(operator, contract, ground, party, now=slot(2))
    assert (termination.undelivered, termination.break_fee) == (2468, break_fee)
    paid, fee = 4400, 88  # Two hours delivered in full, settled first.
    assert balance_of(buyer) == Balances(available=2468 - break_fee)
    assert balance_of(provider) == Balances(receivable=paid - fee + break_fee)
    assert status(contract) == Contract.Status.TERMINATED
    assert contract.escrow == 0
    [transfer] = Transfer.objects.filter(kind=TransferKind.TERMINATION)
    assert sum(entry.amount for entry in transfer.entries.all()) == 0
    assert Delivery.objects.filter(basis=Delivery.Basis.TERMINATED, fee=0).count() == 2
    assert list(differences()) == []


@pytest.mark.parametrize("ground", [Ground.AGREEMENT, Ground.FORCE_MAJEURE])
@pytest.mark.parametrize("proposer", ["buyer", "provider"])
def test_the_parties_agree_and_the_buyer_has_back_what_is_to_come(
    contract, buyer, provider, proposer, ground
):
    meter(contract, now=slot(1), seconds=7000)
    by, other = (buyer, provider) if proposer == "buyer" else (provider, buyer)
    proposal = proposed(contract, by, first=1, now=slot(1), ground=ground)
    assert status(contract) == Contract.Status.ACTIVE
    answer_proposal(actor=acting(other), proposal_id=proposal.pk, accept=True, now=slot(1))
    credit = 600  # 97.2 % of the first hour: 30 %.
    assert balance_of(buyer) == Balances(available=TOTAL - 2000 + credit)
    assert balance_of(provider) == Balances(receivable=1400 - 28)
    assert status(contract) == Contract.Status.TERMINATED
    assert contract.termination.proposal == proposal


def test_hours_that_wait_for_their_meter_keep_their_money_until_it_comes(operator, contract, buyer, provider):
    by_operator(operator, contract, Ground.FORCE_MAJEURE, first=2, now=slot(2))
    assert status(contract) == Contract.Status.ACTIVE
    assert (contract.escrow, balance_of(buyer).available) == (4400, 2468)
    assert left_of(contract, now=slot(2)).hours == 0
    meter(contract, now=slot(2))
    release(now=slot(2))
    assert status(contract) == Contract.Status.TERMINATED
    assert balance_of(provider).receivable == 4400 - 88


def test_a_termination_before_the_first_hour_gives_all_back(operator, contract, buyer, now):
    by_operator(operator, contract, Ground.FORCE_MAJEURE, first=0, now=now)
    assert balance_of(buyer) == Balances(available=TOTAL)
    assert status(contract) == Contract.Status.TERMINATED


@pytest.mark.parametrize(("refund", "break_fee_later"), [(0, 67), (666, 0), (300, 37)])
def test_disputed_hours_are_left_alone_until_decided(
    operator, contract, buyer, provider, refund, break_fee_later
):
    dispute = open_dispute(
        actor=acting(buyer),
        contract_id=contract.pk,
        first_slot=slot(3),
        last_slot=slot(4),
        text="No.",
        now=START,
    )
    by_operator(operator, contract, Ground.BREACH, buyer, first=0, now=START)
    assert status(contract) == Contract.Status.DISPUTED
    assert contract.escrow == 666
    fee = 620  # 10 % of 6202 fen.
    assert balance_of(provider) == Balances(receivable=fee)
    answer_dispute(actor=acting(provider), dispute_id=dispute.pk, text="Yes.", now=START)
    decide_dispute(actor=Actor(user=operator), dispute_id=dispute.pk, refund=refund, text="So.", now=slot(9))
    assert status(contract) == Contract.Status.TERMINATED
    assert balance_of(provider) == Balances(receivable=fee + break_fee_later)
    assert list(differences()) == []


def test_what_a_decision_leaves_of_an_undelivered_hour_follows_the_ground(
    operator, contract, buyer, provider
):
    dispute = open_dispute(
        actor=acting(buyer),
        contract_id=contract.pk,
        first_slot=slot(3),
        last_slot=slot(4),
        text="No.",
        now=START,
    )
    by_operator(operator, contract, Ground.FORCE_MAJEURE, first=0, now=START)
    answer_dispute(actor=acting(provider), dispute_id=dispute.pk, text="Yes.", now=START)
    decide_dispute(actor=Actor(user=operator), dispute_id=dispute.pk, refund=300, text="So.", now=slot(9))
    assert balance_of(buyer) == Balances(available=TOTAL)
    assert balance_of(provider) == Balances()


def test_without_the_guard_the_money_in_dispute_would_be_gone(operator, contract, buyer, monkeypatch):
    open_dispute(
        actor=acting(buyer),
        contract_id=contract.pk,
        first_slot=slot(3),
        last_slot=slot(4),
        text="No.",
        now=START,
    )
    module = importlib.import_module("settlement.delivery.operations.terminate")
    monkeypatch.setattr(module, "frozen_slots", lambda ids: set())
    by_operator(operator, contract, Ground.BREACH, buyer, first=0, now=START)
    contract.refresh_from_db()
    assert contract.escrow == 0


def test_delivery_stops(operator, contract, provider):
    by_operator(operator, contract, Ground.FORCE_MAJEURE, first=2, now=slot(1))
    report_state(actor=acting(provider), contract_id=contract.pk, state=StateReport.State.ACTIVE, now=slot(1))
    assert meter_one(contract, 1, now=slot(4)) == 1
    with pytest.raises(BadReading, match="was terminated from 2026-06-01 07:00 UTC on"):
        meter_one(contract, 2, now=slot(4))
    with pytest.raises(NotThatState, match="access has ended"):
        report_access(actor=acting(provider), contract_id=contract.pk, text="ssh", now=slot(2))
    done = report_state(
        actor=acting(provider), contract_id=contract.pk, state=StateReport.State.ENDED, now=slot(2)
    )
    assert done.state == StateReport.State.ENDED


def meter_one(contract, number, *, now) -> int:
    reading = Reading(contract.pk, slot(number), 7200, "agent")
    return report_usage(actor=acting(contract.provider), readings=[reading], now=now)


def test_what_is_settled_by_a_termination_is_not_disputed(operator, contract, buyer):
    by_operator(operator, contract, Ground.BREACH, buyer, first=2)
    with pytest.raises(DisputeRefused):
        open_dispute(
            actor=acting(buyer),
            contract_id=contract.pk,
            first_slot=slot(2),
            last_slot=slot(3),
            text="?",
            now=START,
        )


@pytest.mark.parametrize(
    ("first", "at", "sentence"),
    [(0, slot(0) + datetime.timedelta(minutes=1), "has begun"), (4, START, "one of the contract's hours")],
)
def test_a_contract_ends_from_an_hour_that_has_not_begun(operator, contract, first, at, sentence):
    with pytest.raises(TerminationRefused, match=sentence):
        by_operator(operator, contract, Ground.FORCE_MAJEURE, first=first, now=at)


def test_a_contract_ends_once(operator, contract, buyer):
    by_operator(operator, contract, Ground.FORCE_MAJEURE)
    with pytest.raises(TerminationRefused, match="already"):
        by_operator(operator, contract, Ground.FORCE_MAJEURE)
    with pytest.raises(TerminationRefused, match="already"):
        proposed(contract, buyer)


def test_a_breach_names_its_party_and_nothing_else_does(operator, contract, buyer, stranger):
    for ground, party in [
        (Ground.BREACH, None),
        (Ground.BREACH, stranger.organisation),
        (Ground.FORCE_MAJEURE, buyer),
    ]:
        with pytest.raises(TerminationRefused, match="Name the party"):
            by_operator(operator, contract, ground, party)
    with pytest.raises(TerminationRefused, match="between themselves"):
        by_operator(operator, contract, Ground.AGREEMENT)
    with pytest.raises(TerminationRefused, match="decides on a breach"):
        proposed(contract, buyer, ground=Ground.BREACH)


def test_who_may_end_a_contract(operator, contract, buyer, provider, stranger, viewer, trader):
    for actor in (
        Actor(user=stranger.user, organisation=stranger.organisation),
        Actor(user=viewer.user, organisation=buyer),
        acting(buyer, Role.FINANCE),
    ):
        with pytest.raises(NotAllowed):
            propose_termination(
                actor=actor,
                contract_id=contract.pk,
                ground=Ground.AGREEMENT,
                from_slot=slot(2),
                reason="x",
                now=START,
            )
    for actor in (acting(buyer), Actor(user=stranger.user)):
        with pytest.raises(NotAllowed):
            terminate(
                actor=actor,
                contract_id=contract.pk,
                ground=Ground.FORCE_MAJEURE,
                from_slot=slot(2),
                reason="x",
                now=START,
            )
    proposal = propose_termination(
        actor=Actor(user=trader.user, organisation=buyer),
        contract_id=contract.pk,
        ground=Ground.AGREEMENT,
        from_slot=slot(2),
        reason="x",
        now=START,
    )
    with pytest.raises(TerminationRefused, match="other party accepts"):
        answer_proposal(actor=acting(buyer), proposal_id=proposal.pk, accept=True, now=START)
    with pytest.raises(NotAllowed):
        answer_proposal(actor=acting(stranger.organisation), proposal_id=proposal.pk, accept=True, now=START)
    assert not Termination.objects.exists()


def test_a_proposal_is_answered_once_and_in_time(contract, buyer, provider):
    first = proposed(contract, buyer)
    with pytest.raises(TerminationRefused, match="waits for its answer"):
        proposed(contract, provider)
    assert (
        answer_proposal(actor=acting(provider), proposal_id=first.pk, accept=False, now=START).status
        == "declined"
    )
    with pytest.raises(TerminationRefused, match="already"):
        answer_proposal(actor=acting(provider), proposal_id=first.pk, accept=True, now=START)
    second = proposed(contract, buyer)
    assert (
        answer_proposal(actor=acting(buyer), proposal_id=second.pk, accept=False, now=START).status
        == "withdrawn"
    )
    third = proposed(contract, buyer, first=1)
    with pytest.raises(TerminationRefused, match="has begun"):
        answer_proposal(
            actor=acting(provider),
            proposal_id=third.pk,
            accept=True,
            now=slot(1) + datetime.timedelta(seconds=1),
        )
    proposed(contract, provider, first=3, now=slot(1))
    third.refresh_from_db()
    assert third.status == "withdrawn"


def test_both_parties_are_written_to_and_find_it_in_their_trails(operator, contract, buyer, provider, owner):
    supplier = acting(provider)
    by_operator(operator, contract, Ground.BREACH, provider)
    letters = OutgoingEmail.objects.filter(subject=f"{contract.number}: the contract ends")
    assert {letter.to for letter in letters} == {owner.user.email, supplier.user.email}
    assert "¥24.68 went back to the buyer" in letters[0].text
    trails = AuditEvent.objects.filter(verb="terminate").values_list("organisation", flat=True)
    assert set(trails) == {buyer.pk, provider.pk}


def test_a_termination_is_never_changed(operator, contract):
    by_operator(operator, contract, Ground.FORCE_MAJEURE)
    for change in (lambda rows: rows.update(reason="Another."), lambda rows: rows.delete()):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            change(Termination.objects.all())
    drop_trigger("contracts_termination", "append_only")
    assert Termination.objects.update(reason="Another.") == 1  # The harm, were it not for the trigger.


def test_an_answer_is_never_changed(contract, buyer, provider):
    proposal = proposed(contract, buyer)
    answer_proposal(actor=acting(provider), proposal_id=proposal.pk, accept=False, now=START)
    rows = TerminationProposal.objects.filter(pk=proposal.pk)
    with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
        rows.update(status="accepted")
    with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
        rows.update(reason="Another.")
    drop_trigger("contracts_terminationproposal", "answered_once")
    assert rows.update(status="accepted") == 1


@given(amounts=st.lists(st.integers(0, 10**9), max_size=50), basis_points=st.integers(0, 10_000))
def test_a_break_fee_is_shared_out_to_the_last_fen(amounts, basis_points):
    fees = break_fees(amounts, basis_points)
    assert sum(fees) == half_even(sum(amounts) * basis_points, 10_000)
    assert all(0 <= fee <= amount for fee, amount in zip(fees, amounts, strict=True))
