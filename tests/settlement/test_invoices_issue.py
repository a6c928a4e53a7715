"""Invoices say what the ledger paid, each fen once; what comes back later is a credit note."""

import datetime
import functools
import json

import pytest

from accounts.audit import Actor
from accounts.models import OutgoingEmail
from settlement.canonical import canonical_json, sha256_of_text
from settlement.contracts.models import Contract
from settlement.contracts.operations import EscrowPayment, open_contracts, pay_from_escrow
from settlement.delivery.operations import decide_dispute, open_dispute, release
from settlement.invoices.models import Charge, Invoice, InvoiceProfile
from settlement.invoices.operations import (
    collect_charges,
    issue_contract_invoices,
    issue_monthly_invoices,
)
from settlement.invoices.queries import proof_of
from settlement.ledger.models import Transfer, TransferKind
from settlement.ledger.operations import reverse_transfer, seal_transfers
from tests.factories.accounts import OrganisationFactory
from tests.factories.listings import LicencePlanFactory
from tests.factories.settlement import HOUR, acting, licence_draft, meter
from tests.settlement.invoicing import AUGUST, JULY, START, by_contract, corrected, mainland, opened, paid

pytestmark = pytest.mark.django_db
MOMENT = datetime.timedelta(microseconds=1)


@pytest.fixture
def provider(provider):
    return mainland(provider)


def supplies(**chosen) -> list[tuple]:
    rows = Invoice.objects.filter(kind="supply", **chosen).order_by("pk")
    return list(rows.values_list("number", "gross", "net", "tax"))


def fees() -> list[tuple]:
    rows = Invoice.objects.filter(kind="fee").order_by("pk")
    return list(rows.values_list("number", "gross", "net", "tax"))


def test_a_month_is_invoiced_when_it_is_over_in_the_exchanges_zone(buyer, provider):
    paid(opened(buyer, provider))
    assert issue_monthly_invoices(now=JULY - MOMENT) == []
    fee, supply = issue_monthly_invoices(now=JULY)
    assert (supply.seller, supply.customer, supply.contract) == (provider, buyer, None)
    assert (supply.period_start, supply.period_end) == (START.replace(day=1, hour=0) - 8 * HOUR, JULY)
    assert supplies() == [("INV-2026-000001", 6200, 5849, 351)]
    assert (fee.seller, fee.customer) == (None, provider)
    assert fees() == [("FEE-2026-000001", 124, 117, 7)]


def test_what_is_issued_once_is_not_issued_again(buyer, provider):
    by_contract(buyer)
    paid(opened(buyer, provider))
    assert len(issue_contract_invoices(now=JULY)) == 1
    for _ in range(2):
        issue_monthly_invoices(now=JULY)
        assert issue_contract_invoices(now=AUGUST) == []
        assert issue_monthly_invoices(now=AUGUST) == []
    assert [len(supplies()), len(fees())] == [1, 1]


def test_a_missed_beat_loses_no_month(buyer, provider):
    first = opened(buyer, provider, number=1)
    paid(first, hours=1)
    second = opened(buyer, provider, number=2)
    for contract in (first, second):
        meter(contract, now=JULY + HOUR)
    release(now=JULY + HOUR)
    issue_monthly_invoices(now=AUGUST + 40 * 24 * HOUR)
    periods = Invoice.objects.filter(kind="supply").order_by("pk").values_list("period_start", "gross")
    assert list(periods) == [(START.replace(day=1, hour=0) - 8 * HOUR, 2000), (JULY, 4200 + 6200)]
    assert Invoice.objects.get(number="INV-2026-000002").lines.count() == 2


def test_each_seller_invoices_for_itself(buyer, provider):
    abroad = OrganisationFactory(jurisdiction="hong_kong")
    paid(opened(buyer, provider, number=1))
    paid(opened(buyer, abroad, number=2))
    issue_monthly_invoices(now=JULY)
    assert supplies(seller=provider) == [("INV-2026-000001", 6200, 5849, 351)]
    assert supplies(seller=abroad) == [("INV-2026-000002", 6200, 6200, 0)]
    assert {row[1:] for row in fees()} == {(124, 117, 7)}


def test_a_contract_is_invoiced_when_it_ends_where_the_customer_chose_so(buyer, provider):
    by_contract(buyer)
    contract = opened(buyer, provider)
    paid(contract, hours=2)
    assert issue_contract_invoices(now=START + 3 * HOUR) == []
    assert [each.kind for each in issue_monthly_invoices(now=JULY)] == ["fee"]
    meter(contract, now=START + 4 * HOUR)
    release(now=START + 4 * HOUR)
    [invoice] = issue_contract_invoices(now=START + 4 * HOUR)
    assert (invoice.contract, invoice.gross) == (contract, 6200)
    assert (invoice.period_start, invoice.period_end) == (START, START + 3 * HOUR)


def test_a_change_of_the_choice_neither_repeats_nor_forgets(buyer, provider):
    contract = opened(buyer, provider)
    paid(contract, hours=1)
    issue_monthly_invoices(now=JULY)
    by_contract(buyer)
    meter(contract, now=JULY + HOUR)
    release(now=JULY + HOUR)
    issue_monthly_invoices(now=AUGUST)
    issue_contract_invoices(now=AUGUST)
    assert [gross for _, gross, _, _ in supplies()] == [2000, 4200]
    other = opened(buyer, provider, number=2)
    meter(other, now=AUGUST)
    release(now=AUGUST)
    InvoiceProfile.objects.update(cycle="monthly")
    assert issue_contract_invoices(now=AUGUST + HOUR) == []
    issue_monthly_invoices(now=AUGUST + 40 * 24 * HOUR)
    assert [gross for _, gross, _, _ in supplies()] == [2000, 4200, 6200]


def test_only_what_was_paid_is_invoiced(buyer, provider):
    paid(opened(buyer, provider, number=1), seconds=7000)  # 97.2 %: 30 % comes back.
    nobody_meters = opened(buyer, provider, number=2)
    release(now=START + 200 * HOUR)
    nobody_meters.refresh_from_db()
    assert nobody_meters.status == Contract.Status.COMPLETED
    issue_monthly_invoices(now=JULY)
    assert [gross for _, gross, _, _ in supplies()] == [4340]
    assert Invoice.objects.get(kind="supply").lines.count() == 1


def test_what_is_corrected_before_the_invoice_is_netted(buyer, provider):
    contract = opened(buyer, provider)
    paid(contract)
    corrected(contract, seconds=7000, now=START + 9 * HOUR)
    issue_monthly_invoices(now=JULY)
    assert [row[:2] for row in supplies()] == [("INV-2026-000001", 4340)]
    assert [row[:2] for row in fees()] == [("FEE-2026-000001", 87)]


def test_what_is_corrected_after_it_is_a_credit_note_on_it(buyer, provider):
    contract = opened(buyer, provider)
    paid(contract)
    issue_monthly_invoices(now=JULY)
    corrected(contract, seconds=7000, now=JULY + HOUR)
    issue_monthly_invoices(now=AUGUST)
    assert supplies() == [("INV-2026-000001", 6200, 5849, 351), ("CN-2026-000002", 1860, 1755, 105)]
    note = Invoice.objects.get(number="CN-2026-000002")
    assert note.corrects.number == "INV-2026-000001"
    assert note.lines.get().corrects.invoice == note.corrects
    assert fees()[-1] == ("CN-2026-000001", 37, 35, 2)


def test_credit_notes_take_back_the_last_fen_of_tax(buyer, provider):
    """Each is rounded by itself nowhere: together they are what the invoice was."""
    contract = opened(buyer, provider, prices=(33, 71, 9))
    paid(contract)
    issue_monthly_invoices(now=JULY)
    for day, seconds in enumerate((7150, 7100, 6000), start=1):
        corrected(contract, seconds=seconds, now=JULY + day * HOUR, revision=day)
        issue_monthly_invoices(now=AUGUST + day * 40 * 24 * HOUR)
    for kind in ("supply", "fee"):
        sums = {"charged": [0, 0, 0], "credited": [0, 0, 0]}
        for row in Invoice.objects.filter(kind=kind):
            side = sums["credited" if row.is_credit_note else "charged"]
            side[:] = [a + b for a, b in zip(side, (row.gross, row.net, row.tax), strict=True)]
        assert sums["charged"] == sums["credited"]
    assert Invoice.objects.filter(kind="supply", series="CN").count() == 3


def test_all_given_back_before_the_first_invoice_is_an_invoice_and_its_credit_note(buyer, provider):
    contract = opened(buyer, provider)
    paid(contract)
    corrected(contract, seconds=0, now=START + 9 * HOUR)
    issue_monthly_invoices(now=JULY)
    charged, credited = Invoice.objects.filter(kind="supply").order_by("pk")
    assert (credited.corrects, credited.gross) == (charged, charged.gross)


def test_a_credit_that_one_invoice_cannot_bear_goes_on_to_the_one_before(buyer, provider, operator):
    contract = opened(buyer, provider)
    paid(contract, hours=1)
    issue_monthly_invoices(now=JULY)
    meter(contract, now=JULY + HOUR)
    release(now=JULY + HOUR)
    issue_monthly_invoices(now=AUGUST)
    claim = {"contract_id": contract.pk, "amount": 6000, "text": "It was down."}
    dispute = open_dispute(actor=acting(buyer), **claim, now=JULY + 2 * HOUR)
    decision = {"dispute_id": dispute.pk, "refund": 6000, "text": "So it was."}
    decide_dispute(actor=Actor(user=operator), **decision, now=JULY + 500 * HOUR)
    issue_monthly_invoices(now=AUGUST + 40 * 24 * HOUR)
    notes = Invoice.objects.filter(kind="supply", series="CN").order_by("corrects_id")
    assert [(note.corrects.number, note.gross) for note in notes] == [
        ("INV-2026-000001", 1800),
        ("INV-2026-000002", 4200),
    ]


def test_what_a_termination_pays_is_invoiced(buyer, provider):
    contract = opened(buyer, provider)
    part = EscrowPayment(
        contract.pk, key="end", provider=1000, fee=20, buyer=5200, kind=TransferKind.TERMINATION
    )
    pay_from_escrow(payments=[part], now=START)
    issue_monthly_invoices(now=JULY)
    assert [gross for _, gross, _, _ in supplies()] == [1000]
    assert [gross for _, gross, _, _ in fees()] == [20]


def test_a_reversed_payment_is_credited(buyer, provider):
    contract = opened(buyer, provider)
    paid(contract)
    issue_monthly_invoices(now=JULY)
    release_of_an_hour = Transfer.objects.filter(kind="release").order_by("pk")[0]
    reverse_transfer(transfer=release_of_an_hour, now=JULY + HOUR, memo="booked in error")
    issue_monthly_invoices(now=AUGUST)
    assert [row[:2] for row in supplies()] == [("INV-2026-000001", 6200), ("CN-2026-000002", 2000)]


def test_a_licence_is_invoiced(buyer, fund, now):
    plan = LicencePlanFactory(price=1000, algorithm__publisher=mainland(OrganisationFactory()))
    fund(buyer, 3000)
    [licence] = open_contracts(drafts=[licence_draft(buyer, plan, now=now)], now=now)
    release(now=licence.acceptance_ends_at - datetime.timedelta(microseconds=1))
    assert issue_monthly_invoices(now=JULY) == [], "nothing is charged before it is accepted"
    release(now=licence.acceptance_ends_at)
    issue_monthly_invoices(now=JULY)
    assert supplies() == [("INV-2026-000001", 3000, 2830, 170)]
    assert Invoice.objects.get(kind="supply").lines.get().contract == licence


def test_a_charge_knows_its_hours(buyer, provider):
    contract = opened(buyer, provider, prices=(10, 20, 30, 40))
    meter(contract, now=START + 2 * HOUR)
    release(now=START + 2 * HOUR)  # A beat was missed: two hours at once.
    meter(contract, now=START + 4 * HOUR)
    release(now=START + 3 * HOUR)
    release(now=START + 4 * HOUR)
    collect_charges()
    assert list(Charge.objects.values_list("starts_at", "ends_at", "hours", "supply", "fee")) == [
        (START, START + 2 * HOUR, 2, 60, 1),
        (START + 2 * HOUR, START + 3 * HOUR, 1, 60, 1),
        (START + 3 * HOUR, START + 4 * HOUR, 1, 80, 2),
    ]
    assert collect_charges() == 0


def test_more_is_collected_than_is_sealed_at_once(buyer, provider, monkeypatch):
    few = functools.partial(seal_transfers, limit=2)
    monkeypatch.setattr("settlement.invoices.operations.collect.seal_transfers", few)
    paid(opened(buyer, provider))
    assert collect_charges() == 3


def test_what_is_not_sealed_yet_waits_for_the_next_beat(buyer, provider, monkeypatch):
    """Somebody else seals: half a month, or half a contract, is not invoiced."""
    by_contract(buyer)
    paid(opened(buyer, provider))
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("settlement.invoices.operations.collect.seal_transfers", lambda: 0)
        assert issue_monthly_invoices(now=JULY) == issue_contract_invoices(now=JULY) == []
    assert len(issue_contract_invoices(now=JULY)) == len(issue_monthly_invoices(now=JULY)) == 1


def test_the_document_is_canonical_hashed_and_signed(buyer, provider):
    contract = opened(buyer, provider)
    paid(contract)
    issue_monthly_invoices(now=JULY)
    invoice = Invoice.objects.get(kind="supply")
    document = json.loads(invoice.document)
    assert invoice.document == canonical_json(document)
    assert invoice.sha256 == sha256_of_text(invoice.document)
    assert proof_of(invoice).holds
    assert document["customer"]["registration_number"] == buyer.registration_number
    assert document["seller"]["fapiao"]["tax_number"] == provider.registration_number
    assert document["gross_in_capitals"] == "人民币陆拾贰元整"
    [line] = document["lines"]
    assert (line["contract"], line["gross_fen"], line["vat_basis_points"]) == (contract.number, 6200, 600)
    transfers = Transfer.objects.filter(kind="release").order_by("pk").values_list("pk", flat=True)
    assert [each["transfer"] for each in line["transfers"]] == list(transfers)
    invoice.document = invoice.document.replace("6200", "6201")
    assert not proof_of(invoice).hash_holds


def test_the_customer_is_written_to_where_its_profile_says(buyer, provider, owner):
    InvoiceProfile.objects.create(organisation=provider, title="P", email="books@provider.example")
    paid(opened(buyer, provider))
    issue_monthly_invoices(now=JULY)
    letters = dict(OutgoingEmail.objects.filter(subject__startswith="Invoice").values_list("to", "text"))
    assert letters.keys() == {"books@provider.example", owner.user.email}
    assert provider.name_en in letters[owner.user.email]
    assert "¥62.00" in letters[owner.user.email]
