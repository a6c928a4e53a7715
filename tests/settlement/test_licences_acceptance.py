"""A licence's price stays in escrow until it is accepted: meanwhile it can be disputed, and given back."""

import datetime
import importlib
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, transaction

from accounts.audit import Actor
from accounts.errors import NotAllowed
from accounts.models import AuditEvent, OutgoingEmail, Role
from settlement.contracts.check import differences, overdue
from settlement.contracts.document import ContractDraft
from settlement.contracts.errors import AcceptanceRefused, TerminationRefused
from settlement.contracts.funding import FundedState, funded_state
from settlement.contracts.models import Contract, Ground, Termination, TerminationProposal
from settlement.contracts.operations import open_contracts
from settlement.delivery.errors import DisputeRefused
from settlement.delivery.models import Delivery, Dispute
from settlement.delivery.operations import (
    accept_licence,
    answer_dispute,
    answer_proposal,
    decide_dispute,
    open_dispute,
    propose_termination,
    release,
    terminate,
)
from settlement.delivery.tasks import release_delivered_hours
from settlement.ledger.check import differences as differences_of_ledger
from settlement.ledger.models import TransferKind
from settlement.ledger.operations import Funding
from settlement.ledger.queries import Balances, balance_of
from settlement.licences.models import Licence, Standing
from settlement.licences.operations import issue_licence, issue_licences, revoke_for_undone_contracts
from tests.factories.listings import LicencePlanFactory
from tests.factories.settlement import acting, licence_draft
from tests.factories.vouchers import programme
from tests.settlement.triggers import drop_trigger

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)
INSTANT = datetime.timedelta(microseconds=1)
PRICE = 3001  # Three seats; 2 % of it is 60 fen.


@pytest.fixture(autouse=True)
def rules(settings: Any) -> None:
    settings.LICENCE_ACCEPTANCE_DAYS, settings.BREAK_FEE_BASIS_POINTS, settings.FEE_BASIS_POINTS = (
        7,
        1000,
        200,
    )


@pytest.fixture
def contract(buyer, provider, fund, now) -> Contract:
    plan = LicencePlanFactory(price=PRICE, algorithm__publisher=provider)
    fund(buyer, PRICE)
    [opened] = open_contracts(drafts=[licence_draft(buyer, plan, now=now, seats=1)], now=now)
    return opened


@pytest.fixture
def ends_at(contract) -> datetime.datetime:
    return contract.acceptance_ends_at


def disputed(contract, amount=None, *, by=None, now=None) -> Dispute:
    return open_dispute(
        actor=acting(by or contract.buyer),
        contract_id=contract.pk,
        text="The weights do not load.",
        amount=amount,
        now=now or contract.starts_at,
    )


def decided(dispute, operator, refund, *, now) -> Dispute:
    other = dispute.contract.provider if dispute.opened_by_id == dispute.contract.buyer_id else None
    actor = acting(other or dispute.contract.buyer)
    answer_dispute(actor=actor, dispute_id=dispute.pk, text="They do.", now=now)
    decider = Actor(user=operator)
    return decide_dispute(actor=decider, dispute_id=dispute.pk, refund=refund, text="As tried.", now=now)


def ended(contract, operator, ground=Ground.FORCE_MAJEURE, breaching=None, *, now=None) -> Termination:
    return terminate(
        actor=Actor(user=operator),
        contract_id=contract.pk,
        ground=ground,
        breaching_id=breaching and breaching.pk,
        reason="Its export was forbidden.",
        now=now or contract.starts_at,
    )


def standing(contract, now) -> Standing:
    return Licence.objects.select_related("contract").get(contract=contract).standing(now=now)


def status(contract) -> str:
    contract.refresh_from_db()
    return contract.status


def parts(contract) -> list[tuple[str, int, int, int]]:
    rows = contract.deliveries.order_by("pk")
    return list(rows.values_list("basis", "amount", "credit", "fee"))


def sound() -> bool:
    return [*differences(), *differences_of_ledger()] == []


# The period


def test_the_contract_states_its_own_period(contract, now, settings):
    assert json.loads(contract.document)["terms"]["acceptance"] == {"days": 7}
    settings.LICENCE_ACCEPTANCE_DAYS = 30
    contract.refresh_from_db()
    assert contract.acceptance_ends_at == now + 7 * DAY


def test_the_price_is_paid_when_the_period_is_over_and_not_a_moment_before(
    contract, buyer, provider, ends_at
):
    assert release(now=ends_at - INSTANT) == 0
    assert balance_of(buyer) == Balances(escrow=PRICE)
    assert [release(now=ends_at), release(now=ends_at), release(now=ends_at + DAY)] == [1, 0, 0]
    assert (balance_of(buyer), balance_of(provider)) == (Balances(), Balances(receivable=PRICE - 60))
    assert status(contract) == Contract.Status.COMPLETED
    assert parts(contract) == [("licence", PRICE, 0, 60)]
    assert sound()


def test_the_licence_is_issued_at_once_and_works_meanwhile(contract, now, ends_at):
    assert issue_licences(now=now) == 1
    disputed(contract)
    assert standing(contract, ends_at) == Standing.ACTIVE


def test_a_licence_in_dispute_is_issued_too(contract, now):
    disputed(contract)
    assert issue_licences(now=now) == 1


def test_the_sweep_pays_a_licence_whose_beats_were_missed(contract, provider, monkeypatch, ends_at):
    monkeypatch.setattr("django.utils.timezone.now", lambda: ends_at + 40 * DAY)
    release_delivered_hours()
    release_delivered_hours()
    assert balance_of(provider) == Balances(receivable=PRICE - 60)


def test_a_free_licence_completes_as_well(buyer, provider, now):
    plan = LicencePlanFactory(algorithm__publisher=provider)
    [free] = open_contracts(
        drafts=[
            ContractDraft(
                source="trade:free",
                kind=Contract.Kind.LICENCE,
                buyer_id=buyer.pk,
                provider_id=provider.pk,
                hold_id=None,
                plan_id=plan.pk,
                quantity=1,
                starts_at=now,
                ends_at=None,
                total=0,
            )
        ],
        now=now,
    )
    with pytest.raises(DisputeRefused, match="costs nothing"):
        disputed(free)
    assert release(now=free.acceptance_ends_at) == 1
    assert status(free) == Contract.Status.COMPLETED


# Acceptance


def test_the_buyer_accepts_and_the_publisher_is_paid_at_once(contract, buyer, provider, now, ends_at):
    publisher = acting(provider).user
    accepted = accept_licence(actor=acting(buyer, Role.FINANCE), contract_id=contract.pk, now=now + DAY)
    assert (accepted.status, accepted.escrow) == (Contract.Status.COMPLETED, 0)
    assert balance_of(provider) == Balances(receivable=PRICE - 60)
    assert parts(contract) == [("accepted", PRICE, 0, 60)]
    assert release(now=ends_at) == 0
    for party in (buyer, provider):
        event = AuditEvent.objects.get(organisation=party, verb="accept")
        assert (event.detail, event.user) == ({"fen": PRICE}, acting(buyer, Role.FINANCE).user)
    letter = OutgoingEmail.objects.get(to=publisher.email)
    assert "30.01" in letter.text
    assert sound()


def test_it_is_accepted_once_and_in_time(contract, buyer, now, ends_at):
    ask = {"actor": acting(buyer), "contract_id": contract.pk}
    with pytest.raises(AcceptanceRefused, match="is over"):
        accept_licence(now=ends_at, **ask)
    accept_licence(now=ends_at - INSTANT, **ask)
    with pytest.raises(AcceptanceRefused, match="is over"):
        accept_licence(now=ends_at - INSTANT, **ask)
    assert Delivery.objects.count() == 1


def test_only_the_buyer_accepts(contract, buyer, provider, stranger, viewer, now):
    for actor in (
        acting(provider),
        acting(stranger.organisation),
        Actor(user=viewer.user, organisation=buyer),
        acting(buyer, Role.ENGINEER),
    ):
        with pytest.raises(NotAllowed):
            accept_licence(actor=actor, contract_id=contract.pk, now=now)
    assert balance_of(buyer) == Balances(escrow=PRICE)


def test_what_is_in_dispute_is_not_accepted(contract, buyer, now):
    disputed(contract, 100)
    with pytest.raises(AcceptanceRefused, match="in dispute"):
        accept_licence(actor=acting(buyer), contract_id=contract.pk, now=now)


# Disputes


@pytest.mark.parametrize("by", ["buyer", "provider"])
def test_the_disputed_part_is_frozen_past_the_period_and_the_rest_is_paid(
    request, contract, provider, by, ends_at
):
    dispute = disputed(contract, 1001, by=request.getfixturevalue(by), now=ends_at - INSTANT)
    assert status(contract) == Contract.Status.DISPUTED
    assert [release(now=ends_at), release(now=ends_at + 99 * DAY)] == [1, 0]
    assert balance_of(provider) == Balances(receivable=2000 - 40)
    assert (status(contract), contract.escrow, dispute.amount) == (Contract.Status.DISPUTED, 1001, 1001)
    assert sound()


def test_without_the_freeze_the_disputed_part_would_be_paid(contract, provider, ends_at, monkeypatch):
    disputed(contract, 1001)
    sweep = importlib.import_module("settlement.delivery.operations.release")
    monkeypatch.setattr(sweep, "disputed_fen", lambda _ids: {})
    release(now=ends_at)
    assert balance_of(provider) == Balances(receivable=PRICE - 60)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("refund", "fee"), [(0, 20), (400, 12), (1001, 0)])
def test_the_decision_moves_the_disputed_part_alone(
    contract, buyer, provider, operator, refund, fee, late, ends_at
):
    dispute = disputed(contract, 1001)
    if late:
        release(now=ends_at)
    decided(dispute, operator, refund, now=ends_at + DAY if late else ends_at - DAY)
    rest = 0 if late else 2000
    assert balance_of(buyer) == Balances(available=refund, escrow=rest)
    release(now=ends_at)
    assert balance_of(buyer) == Balances(available=refund)
    assert balance_of(provider) == Balances(receivable=2000 - 40 + 1001 - refund - fee)
    assert status(contract) == Contract.Status.COMPLETED
    assert sorted(parts(contract)) == [("decided", 1001, refund, fee), ("licence", 2000, 0, 40)]
    assert sound()


def test_what_a_decision_leaves_can_be_accepted(contract, buyer, provider, operator, now, ends_at):
    decided(disputed(contract, 1001), operator, 1001, now=now)
    assert status(contract) == Contract.Status.ACTIVE
    accept_licence(actor=acting(buyer), contract_id=contract.pk, now=now)
    assert (status(contract), balance_of(provider).receivable) == (Contract.Status.COMPLETED, 2000 - 40)
    assert release(now=ends_at) == 0


def test_a_full_refund_revokes_the_licence(contract, buyer, operator, now):
    issue_licence(contract_id=contract.pk, now=now)
    decided(disputed(contract), operator, PRICE, now=now)
    assert (status(contract), balance_of(buyer)) == (Contract.Status.COMPLETED, Balances(available=PRICE))
    assert standing(contract, now) == Standing.REVOKED, "even before the task has run"
    assert [revoke_for_undone_contracts(now=now), revoke_for_undone_contracts(now=now)] == [1, 0]
    assert contract.licence.events.get(kind="revoked").note == "The price was refunded in full."


def test_a_part_refunded_revokes_nothing(contract, operator, now, ends_at):
    issue_licence(contract_id=contract.pk, now=now)
    decided(disputed(contract), operator, PRICE - 1, now=now)
    assert (revoke_for_undone_contracts(now=now), standing(contract, now)) == (0, Standing.ACTIVE)


def test_a_licence_refunded_before_it_was_issued_is_never_issued(contract, operator, now):
    decided(disputed(contract), operator, PRICE, now=now)
    assert issue_licences(now=now) == 0


def test_a_dispute_that_is_refused(contract, buyer, stranger, viewer, operator, now, ends_at):
    with pytest.raises(DisputeRefused, match="is over"):
        disputed(contract, 100, now=ends_at)
    for amount in (0, PRICE + 1):
        with pytest.raises(DisputeRefused, match="above zero"):
            open_dispute(actor=acting(buyer), contract_id=contract.pk, text="x", amount=amount, now=now)
    for actor in (acting(stranger.organisation), Actor(user=viewer.user, organisation=buyer)):
        with pytest.raises(NotAllowed):
            open_dispute(actor=actor, contract_id=contract.pk, text="x", amount=1, now=now)
    disputed(contract)
    with pytest.raises(DisputeRefused, match="in dispute: write"):
        disputed(contract, 100, by=contract.provider)


def test_a_publishers_dispute_over_a_fen_keeps_the_buyer_from_none(
    contract, buyer, provider, operator, now, ends_at
):
    petty = disputed(contract, 1, by=provider)
    with pytest.raises(DisputeRefused, match="above zero"):
        disputed(contract, PRICE)
    rest = disputed(contract)
    assert (rest.amount, petty.slots == rest.slots) == (PRICE - 1, False)
    assert release(now=ends_at) == 0
    for each in (rest, petty):
        decided(each, operator, each.amount, now=ends_at)
    assert (balance_of(buyer), status(contract)) == (Balances(available=PRICE), Contract.Status.COMPLETED)
    assert [each[1:3] for each in parts(contract)] == [(PRICE - 1, PRICE - 1), (1, 1)]
    assert sound()


def test_what_was_decided_is_not_disputed_again_but_the_rest_is(contract, operator, provider, now, ends_at):
    decided(disputed(contract, 1001), operator, 0, now=now)
    again = disputed(contract)
    assert again.amount == 2000
    decided(again, operator, 2000, now=now)
    assert balance_of(provider) == Balances(receivable=1001 - 20)
    assert status(contract) == Contract.Status.COMPLETED


def test_once_paid_it_is_disputed_no_more(contract, ends_at, now):
    release(now=ends_at)
    with pytest.raises(DisputeRefused, match="is over"):
        disputed(contract, 100, now=now)


# Termination


@pytest.mark.parametrize(
    ("ground", "breaching", "break_fee"),
    [
        (Ground.FORCE_MAJEURE, None, 0),
        (Ground.BREACH, "provider", 0),
        (Ground.BREACH, "buyer", 300),  # 10 % of 3,001 fen.
    ],
)
def test_each_ground_has_its_money_rule(
    request, contract, buyer, provider, operator, ground, breaching, break_fee, now
):
    issue_licence(contract_id=contract.pk, now=now)
    party = breaching and request.getfixturevalue(breaching)
    end = ended(contract, operator, ground, party)
    assert (end.undelivered, end.break_fee) == (PRICE, break_fee)
    assert balance_of(buyer) == Balances(available=PRICE - break_fee)
    assert balance_of(provider) == Balances(receivable=break_fee)
    assert status(contract) == Contract.Status.TERMINATED
    assert parts(contract) == [("terminated", PRICE, PRICE - break_fee, 0)]
    assert contract.deliveries.get().credit_transfer.kind == TransferKind.TERMINATION
    assert standing(contract, now) == Standing.REVOKED
    assert revoke_for_undone_contracts(now=now) == 1
    assert end.get_ground_display() in contract.licence.events.get(kind="revoked").note
    assert sound()


@pytest.mark.parametrize("proposer", ["buyer", "provider"])
def test_the_parties_agree_to_undo_it(contract, buyer, provider, proposer, now, ends_at):
    by, other = (buyer, provider) if proposer == "buyer" else (provider, buyer)
    ask = {"contract_id": contract.pk, "ground": Ground.AGREEMENT, "reason": "It was the wrong one."}
    proposal = propose_termination(actor=acting(by), now=now, **ask)
    with pytest.raises(TerminationRefused, match="waits for its answer"):
        propose_termination(actor=acting(other), now=ends_at - INSTANT, **ask)
    answer_proposal(actor=acting(other), proposal_id=proposal.pk, accept=True, now=ends_at - INSTANT)
    assert (status(contract), balance_of(buyer)) == (Contract.Status.TERMINATED, Balances(available=PRICE))
    assert contract.termination.proposal == proposal
    assert "licence is revoked" in OutgoingEmail.objects.filter(to=acting(by).user.email).last().text


def test_no_answer_in_time_lets_the_price_be_paid(contract, buyer, provider, now, ends_at):
    proposal = propose_termination(
        actor=acting(buyer), contract_id=contract.pk, ground=Ground.AGREEMENT, reason="x", now=now
    )
    with pytest.raises(TerminationRefused, match="is over"):
        answer_proposal(actor=acting(provider), proposal_id=proposal.pk, accept=True, now=ends_at)
    assert TerminationProposal.objects.get().status == TerminationProposal.Status.OPEN
    release(now=ends_at)
    assert status(contract) == Contract.Status.COMPLETED


@pytest.mark.parametrize(
    ("breaching", "refund", "back", "break_fees"),
    [
        (None, 0, PRICE, 0),
        (None, 500, PRICE, 0),
        ("buyer", 0, 2701, 200 + 100),
        ("buyer", 500, 2751, 200 + 50),
    ],
)
def test_what_is_in_dispute_when_it_ends_follows_the_decision_and_then_the_ground(
    request, contract, buyer, provider, operator, breaching, refund, back, break_fees, now, ends_at
):
    issue_licence(contract_id=contract.pk, now=now)
    dispute = disputed(contract, 1001)
    party = breaching and request.getfixturevalue(breaching)
    end = ended(contract, operator, Ground.BREACH if party else Ground.FORCE_MAJEURE, party)
    assert (end.undelivered, contract.deliveries.get().amount) == (2000, 2000)
    assert (status(contract), contract.escrow) == (Contract.Status.DISPUTED, 1001)
    assert revoke_for_undone_contracts(now=now) == 1, "it waits for no decision"
    assert release(now=ends_at) == 0
    decided(dispute, operator, refund, now=ends_at)
    assert (balance_of(buyer), balance_of(provider)) == (
        Balances(available=back),
        Balances(receivable=break_fees),
    )
    assert status(contract) == Contract.Status.TERMINATED
    assert sound()


def test_what_a_decision_left_is_ended_by_its_ground(contract, buyer, provider, operator, now):
    decided(disputed(contract, 1001), operator, 0, now=now)
    end = ended(contract, operator)
    assert (end.undelivered, balance_of(buyer)) == (2000, Balances(available=2000))
    assert balance_of(provider) == Balances(receivable=1001 - 20)


def test_after_the_period_nothing_is_left_to_end(contract, buyer, operator, ends_at, settings, fund, now):
    with pytest.raises(TerminationRefused, match="is over"):
        ended(contract, operator, now=ends_at)
    settings.LICENCE_ACCEPTANCE_DAYS = 0
    plan = LicencePlanFactory(price=1000)
    fund(buyer, 1000)
    [at_once] = open_contracts(drafts=[licence_draft(buyer, plan, now=now, number=2, seats=1)], now=now)
    assert "acceptance" not in json.loads(at_once.document)["terms"]
    for refused, error in ((ended, TerminationRefused), (disputed, DisputeRefused)):
        with pytest.raises(error, match="is over"):
            refused(at_once, *([operator] if refused is ended else [100]))


# Vouchers


@pytest.mark.parametrize(("refund", "redeemed"), [(0, 1500), (1000, 1000), (3000, 0)])
def test_a_vouchers_share_is_redeemed_only_when_it_is_released(
    buyer, provider, operator, fund, now, refund, redeemed
):
    body = programme(budget=10_000, cap=10_000)
    fund(buyer, 1500)
    draft = licence_draft(
        buyer,
        LicencePlanFactory(price=3000, algorithm__publisher=provider),
        now=now,
        seats=1,
        funding=Funding(body.account_id, 1500),
    )
    [licence] = open_contracts(drafts=[draft], now=now)
    state = funded_of(licence)
    assert (state.reserved, state.redeemed) == (1500, 0)
    if refund:
        decided(disputed(licence, refund), operator, refund, now=now)
    release(now=licence.acceptance_ends_at)
    state = funded_of(licence)
    assert (state.reserved, state.redeemed, state.returned) == (0, redeemed, 1500 - redeemed)
    assert balance_of(buyer) == Balances(available=refund - (1500 - redeemed))


def funded_of(licence) -> FundedState:
    licence.refresh_from_db()
    return funded_state(
        funded=licence.funded, total=licence.total, escrow=licence.escrow, returned=licence.returned
    )


# What the database and the checks hold


def test_the_period_never_changes(contract, ends_at):
    later = Contract.objects.filter(pk=contract.pk)
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        later.update(acceptance_ends_at=ends_at - DAY)
    drop_trigger("contracts_contract", "terms_never_change")
    later.update(acceptance_ends_at=ends_at - DAY)
    assert any("row does not say what its document says" in each for each in differences())
    with pytest.raises(IntegrityError, match="contract_acceptance_is_of_a_licence"), transaction.atomic():
        later.update(acceptance_ends_at=contract.starts_at)


def test_a_licence_that_the_sweep_forgot_is_told(contract, ends_at):
    assert list(overdue(now=ends_at + DAY - INSTANT)) == []
    [sentence] = overdue(now=ends_at + DAY)
    assert contract.number in sentence
    disputed(contract, 1)
    assert list(overdue(now=ends_at + DAY)) == [], "a dispute has its own time"


@pytest.mark.django_db(transaction=True)
def test_the_command_tells_it_too(contract, monkeypatch, ends_at):
    monkeypatch.setattr("django.utils.timezone.now", lambda: ends_at)
    call_command("check_contracts")
    monkeypatch.setattr("django.utils.timezone.now", lambda: ends_at + DAY)
    with pytest.raises(CommandError, match="has not ended"):
        call_command("check_contracts")


def test_a_part_is_settled_once_by_the_database(contract, ends_at):
    release(now=ends_at)
    [delivery] = Delivery.objects.all()
    delivery.pk = None
    with pytest.raises(IntegrityError, match="delivery_paid_once"), transaction.atomic():
        delivery.save(force_insert=True)
