"""Whatever is metered, corrected, ended and chosen: invoices less credit notes are what the ledger paid."""

import datetime
from collections import defaultdict

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from settlement.contracts.models import Contract
from settlement.contracts.operations import EscrowPayment, pay_from_escrow
from settlement.delivery.operations import release
from settlement.invoices import vat
from settlement.invoices.models import Invoice, InvoiceLine, InvoiceProfile
from settlement.invoices.operations import issue_contract_invoices, issue_monthly_invoices
from settlement.ledger.models import AccountKind, Entry, TransferKind
from tests.factories.accounts import OrganisationFactory
from tests.factories.settlement import HOUR, meter
from tests.settlement.invoicing import START, by_contract, mainland, opened
from tests.settlement.machines import walk
from tests.settlement.triggers import run

DAY = datetime.timedelta(days=1)
PRICES = ((101, 33), (7,), (50, 0, 999))
which = st.integers(0, 3)
seconds = st.sampled_from([0, 6800, 7100, 7150, 7200])
EVENT_KINDS = {"supply": [AccountKind.RECEIVABLE, AccountKind.FEES], "fee": [AccountKind.FEES]}


class InvoiceMachine(RuleBasedStateMachine):
    """Two buyers, one invoiced by month and one by contract, each with a contract of two sellers."""

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.now = START + 3 * HOUR
        self.revision = 0
        sellers = [mainland(OrganisationFactory()), OrganisationFactory(jurisdiction="hong_kong")]
        self.buyers = [OrganisationFactory(), OrganisationFactory()]
        by_contract(self.buyers[1])
        self.contracts = [
            opened(
                self.buyers[number % 2], sellers[number // 2 % 2], number=number, prices=PRICES[number % 3]
            )
            for number in range(4)
        ]

    @rule(days=st.integers(1, 25))
    def wait(self, days: int) -> None:
        self.now += days * DAY

    @rule(delivered=st.tuples(seconds, seconds, seconds, seconds))
    def deliver(self, delivered: tuple[int, ...]) -> None:
        """What was paid and shows less now is corrected."""
        self.revision += 1
        for contract, each in zip(self.contracts, delivered, strict=True):
            meter(contract, now=self.now, seconds=each, revision=self.revision)
        release(now=self.now)

    @rule(contract=which, share=st.integers(0, 4))
    def terminate(self, contract: int, share: int) -> None:
        row = Contract.objects.get(pk=self.contracts[contract].pk)
        if row.status != Contract.Status.ACTIVE or not row.escrow:
            return
        provider = row.escrow * share // 4
        end = EscrowPayment(
            row.pk,
            key="end",
            provider=provider,
            fee=provider // 50,
            buyer=row.escrow - provider,
            settled_until=row.ends_at,
            kind=TransferKind.TERMINATION,
        )
        pay_from_escrow(payments=[end], now=self.now)

    @rule(buyer=st.integers(0, 1), cycle=st.sampled_from(InvoiceProfile.Cycle.values))
    def choose(self, buyer: int, cycle: str) -> None:
        InvoiceProfile.objects.update_or_create(
            organisation=self.buyers[buyer], defaults={"title": "B", "cycle": cycle}
        )

    @rule()
    def invoice(self) -> None:
        issue_monthly_invoices(now=self.now)
        issue_contract_invoices(now=self.now)
        assert issue_monthly_invoices(now=self.now) == issue_contract_invoices(now=self.now) == []

    @invariant()
    def every_document_adds_up(self) -> None:
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("SET CONSTRAINTS ALL DEFERRED")
        for line in InvoiceLine.objects.filter(corrects=None):
            assert vat.split(line.gross, line.vat_basis_points) == vat.Taxed(line.gross, line.net)
        for series in Invoice.Series:
            serials = Invoice.objects.filter(series=series).order_by("pk").values_list("serial", flat=True)
            assert list(serials) == list(range(1, len(serials) + 1))

    def teardown(self) -> None:
        try:
            self.now += 40 * DAY
            release(now=self.now)  # What nobody metered goes back; all contracts end.
            self.now += 40 * DAY
            issue_contract_invoices(now=self.now)
            issue_monthly_invoices(now=self.now)
            for kind in Invoice.Kind:
                assert invoiced(kind) == paid(kind)
            self.every_document_adds_up()
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)


def invoiced(kind: Invoice.Kind) -> dict[str, int]:
    """By contract: what invoices charge less what credit notes take back, in fen."""
    sums: dict[str, int] = defaultdict(int)
    for line in InvoiceLine.objects.filter(invoice__kind=kind).select_related("contract", "invoice"):
        sums[line.contract.number] += -line.gross if line.invoice.is_credit_note else line.gross
    return {number: fen for number, fen in sums.items() if fen}


def paid(kind: Invoice.Kind) -> dict[str, int]:
    """By contract: what the ledger's entries brought its seller, or the platform, and left there."""
    moved = Entry.objects.filter(account__kind__in=EVENT_KINDS[kind])
    sums = moved.values("transfer__memo").annotate(fen=Sum("amount"))
    return {row["transfer__memo"]: row["fen"] for row in sums if row["fen"]}


def run_machine(examples: int) -> None:
    walk(InvoiceMachine, examples=examples, steps=12)


@pytest.fixture(autouse=True)
def _patience(settings):
    settings.UNMETERED_RETURN_HOURS = 39 * 24


@pytest.mark.django_db
def test_invoices_less_credit_notes_are_what_the_ledger_paid():
    run_machine(8)


@pytest.mark.django_db
def test_the_machine_sees_credits_that_are_forgotten(monkeypatch):
    monkeypatch.setattr("settlement.invoices.operations.issue._Batch._take_back", lambda *_: None)
    with pytest.raises(AssertionError):
        run_machine(10)
