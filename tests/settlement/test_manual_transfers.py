"""Money that is moved by hand: in writing, by two operators, and never where rows of their own keep count."""

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import AuditEvent
from settlement.ledger.check import differences
from settlement.ledger.errors import InsufficientFunds
from settlement.ledger.models import Account, AccountKind, TransferKind
from settlement.ledger.queries import Balances, balance_of
from settlement.payments.errors import AlreadyBooked, AlreadyDecided, SecondPersonNeeded
from settlement.payments.models import Approval, BankLine, ManualTransfer
from settlement.payments.operations import (
    Place,
    approve_manual_transfer,
    assign_bank_line,
    import_bank_lines,
    propose_manual_transfer,
    refuse_manual_transfer,
)
from tests.factories.payouts import operator
from tests.factories.settlement import acting
from tests.settlement.triggers import drop_constraint, run

pytestmark = pytest.mark.django_db

FEES, BANK, SUSPENSE = Place(AccountKind.FEES), Place(AccountKind.BANK), Place(AccountKind.SUSPENSE)
COSTS = Place(AccountKind.PROCESSING)


@pytest.fixture
def maker():
    return operator()


@pytest.fixture
def propose(maker, now):
    def ask(debit, credit, fen, *, line=None, reason="A fee that should not have been taken"):
        return propose_manual_transfer(
            actor=maker, debit=debit, credit=credit, amount=fen, reason=reason, bank_line=line, now=now
        )

    return ask


def approve(manual, now, by=None):
    return approve_manual_transfer(actor=by or operator(), manual_id=manual.pk, now=now)


def book(text, now):
    import_bank_lines(actor=operator(), csv_text="serial,date,amount,payer,remark\n" + text, now=now)
    return BankLine.objects.first()


def fen(kind: AccountKind) -> int:
    return sum(Account.objects.filter(kind=kind).values_list("balance", flat=True))


def test_two_operators_correct_a_fee(propose, provider, now):
    manual = propose(FEES, Place(AccountKind.RECEIVABLE, provider), 700)
    assert balance_of(provider) == Balances()
    approved = approve(manual, now)
    assert (approved.status, approved.transfer.kind) == (Approval.APPROVED, TransferKind.MANUAL)
    assert balance_of(provider) == Balances(receivable=700)
    assert set(AuditEvent.objects.filter(organisation=provider).values_list("verb", flat=True)) >= {
        "propose",
        "approve",
    }
    with pytest.raises(AlreadyDecided):
        approve(manual, now)
    assert list(differences()) == []


def test_one_operator_cannot(propose, maker, provider, now):
    manual = propose(FEES, Place(AccountKind.RECEIVABLE, provider), 700)
    with pytest.raises(SecondPersonNeeded):
        approve(manual, now, by=maker)
    other = approve(propose(FEES, Place(AccountKind.RECEIVABLE, provider), 1), now)
    forged = (
        "UPDATE payments_manualtransfer SET status = 'approved', decided_by_id = proposed_by_id,"
        f" decided_at = now(), transfer_id = {other.transfer_id} WHERE id = {manual.pk}"
    )
    drop_constraint("payments_manualtransfer", "payments_manualtransfer_transfer_id_key")
    with pytest.raises(IntegrityError, match="manual_transfer_two_persons"), transaction.atomic():
        run(forged)
    drop_constraint("payments_manualtransfer", "manual_transfer_two_persons")
    assert run(forged) == 1


def test_members_do_not_move_money_by_hand(propose, owner, provider, now):
    manual = propose(FEES, Place(AccountKind.RECEIVABLE, provider), 700)
    with pytest.raises(NotAllowed):
        propose_manual_transfer(
            actor=acting(provider), debit=FEES, credit=BANK, amount=1, reason="x", now=now
        )
    for decide in (approve_manual_transfer, refuse_manual_transfer):
        with pytest.raises(NotAllowed):
            decide(actor=acting(provider), manual_id=manual.pk, now=now)


def test_a_refused_one_moves_nothing(propose, maker, provider, now):
    manual = propose(FEES, Place(AccountKind.RECEIVABLE, provider), 700)
    refuse_manual_transfer(actor=maker, manual_id=manual.pk, now=now)
    with pytest.raises(AlreadyDecided):
        approve(manual, now)
    assert balance_of(provider) == Balances()


def test_no_organisation_is_overdrawn_by_hand(propose, provider, now):
    manual = propose(Place(AccountKind.RECEIVABLE, provider), FEES, 700)
    with pytest.raises(InsufficientFunds), transaction.atomic():
        approve(manual, now)
    assert ManualTransfer.objects.get(pk=manual.pk).status == Approval.PROPOSED


@pytest.mark.parametrize("kind", [AccountKind.HELD, AccountKind.ESCROW])
def test_held_and_escrow_are_not_moved_by_hand(propose, provider, kind):
    with pytest.raises(InvalidInput, match="not moved by hand"):
        propose(Place(kind, provider), FEES, 700)


@pytest.mark.parametrize(
    ("debit", "credit", "amount", "reason", "why"),
    [
        (FEES, COSTS, 0, "x", "more than nothing"),
        (FEES, COSTS, 1, " ", "reason"),
        (FEES, FEES, 1, "x", "two different"),
        (FEES, Place(AccountKind.AVAILABLE), 1, "x", "organisation of the credit"),
        (Place(AccountKind.AVAILABLE), FEES, 1, "x", "organisation of the debit"),
        (SUSPENSE, BANK, 1, "x", "begin from that line"),
        (FEES, SUSPENSE, 1, "x", "begin from that line"),
        (Place(AccountKind.PAYOUTS), BANK, 1, "x", "not moved by hand"),
    ],
)
def test_what_could_not_be_approved_is_refused(propose, debit, credit, amount, reason, why):
    with pytest.raises(InvalidInput, match=why):
        propose(debit, credit, amount, reason=reason)


def test_suspense_goes_back_to_its_payer(propose, buyer, now):
    line = book("S1,2026-06-01,100,Unknown,?\n", now)
    with pytest.raises(InvalidInput, match="whole amount"):
        propose(SUSPENSE, BANK, 9_999, line=line)
    manual = propose(SUSPENSE, BANK, 10_000, line=line, reason="The payer asked for it back")
    with pytest.raises(AlreadyDecided):
        propose(SUSPENSE, BANK, 10_000, line=line)
    approve(manual, now)
    line.refresh_from_db()
    assert line.status == BankLine.Status.RETURNED
    assert (fen(AccountKind.SUSPENSE), fen(AccountKind.BANK)) == (0, 0)
    with pytest.raises(AlreadyBooked):
        assign_bank_line(actor=operator(), bank_line_id=line.pk, organisation=buyer, now=now)
    out = book(f"S2,2026-06-02,-100,Unknown,退款 {manual.serial}\n", now)
    manual.refresh_from_db()
    assert (out.status, out.transfer) == (BankLine.Status.BOOKED, manual.transfer)


def test_a_line_assigned_meanwhile_is_not_given_back_too(propose, buyer, now):
    line = book("S1,2026-06-01,100,Unknown,?\nS2,2026-05-01,100,Unknown,?\n", now)
    manual = propose(SUSPENSE, BANK, 10_000, line=line)
    assign_bank_line(actor=operator(), bank_line_id=line.pk, organisation=buyer, now=now)
    with pytest.raises(AlreadyDecided, match="S1"), transaction.atomic():
        approve(manual, now)
    assert fen(AccountKind.SUSPENSE) == 10_000


def test_a_charge_of_the_bank_becomes_a_cost(propose, now):
    line = book("S1,2026-06-01,-12.50,Bank,手续费\n", now)
    assert line.status == BankLine.Status.UNEXPLAINED
    manual = approve(propose(COSTS, BANK, 1_250, line=line, reason="Bank charge"), now)
    line.refresh_from_db()
    assert (line.status, line.transfer) == (BankLine.Status.BOOKED, manual.transfer)
    assert fen(AccountKind.PROCESSING) == -1_250
