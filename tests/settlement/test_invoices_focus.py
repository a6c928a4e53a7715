"""A buyer's costs as FOCUS: every mandatory column, a row an hour, and sums that are the ledger's."""

import csv
import datetime
import io
import json
from decimal import Decimal

import pytest

from accounts.audit import Actor
from settlement.contracts.models import Contract, Ground
from settlement.contracts.operations import open_contracts
from settlement.delivery.operations import Reading, release, report_usage, terminate
from settlement.invoices.focus import COLUMNS, focus_csv, focus_rows
from settlement.invoices.models import Invoice
from settlement.invoices.operations import collect_charges, issue_monthly_invoices
from settlement.money import to_yuan
from tests.factories.listings import LicencePlanFactory, PoolFactory
from tests.factories.settlement import HOUR, acting, licence_draft, meter
from tests.settlement.invoicing import AUGUST, JULY, START, corrected, mainland, opened, paid

pytestmark = pytest.mark.django_db
# What FOCUS 1.2 calls mandatory.
MANDATORY = {
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
    "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost",
    "PricingQuantity",
    "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName",
}  # fmt: skip
NEVER_NULL = MANDATORY - {"ChargeClass", "PricingQuantity", "PricingUnit"}


@pytest.fixture
def provider(provider):
    return mainland(provider)


def rows(buyer, since=START - 9 * HOUR, until=AUGUST + 999 * HOUR) -> list[dict[str, str]]:
    """The file as a tool reads it."""
    text = "".join(focus_csv(buyer, since=since, until=until))
    return list(csv.DictReader(io.StringIO(text)))


def column(table, *names) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in names) for row in table]


def test_every_hour_is_a_row_with_all_mandatory_columns(buyer, provider):
    contract = opened(buyer, provider)
    paid(contract)
    collect_charges()
    table = rows(buyer)
    assert set(COLUMNS) >= MANDATORY
    assert all(row[name] for row in table for name in NEVER_NULL)
    assert column(table, "ChargePeriodStart", "BilledCost", "ContractedUnitPrice", "PricingQuantity") == [
        ("2026-06-01T05:00:00Z", "20.00", "10.00", "2"),
        ("2026-06-01T06:00:00Z", "24.00", "12.00", "2"),
        ("2026-06-01T07:00:00Z", "18.00", "9.00", "2"),
    ]
    assert {(row["ChargeCategory"], row["ChargeClass"], row["PricingUnit"]) for row in table} == {
        ("Usage", "", "Unit-Hours")
    }
    [first, *_] = table
    assert first["BillingPeriodStart"] == "2026-05-31T16:00:00Z"
    assert first["BillingPeriodEnd"] == "2026-06-30T16:00:00Z"
    assert first["ChargePeriodEnd"] == "2026-06-01T06:00:00Z"
    assert (first["ResourceId"], first["PublisherName"]) == (contract.number, provider.name_en)
    assert json.loads(first["Tags"]) == {"suanpan/contract": contract.number}
    assert first["InvoiceId"] == ""


def test_hours_paid_together_are_told_apart_where_their_costs_are_known(buyer, provider):
    contract = opened(buyer, provider)
    meter(contract, now=START + 3 * HOUR)
    release(now=START + 3 * HOUR)
    collect_charges()
    assert column(rows(buyer), "ChargePeriodStart", "BilledCost") == [
        ("2026-06-01T05:00:00Z", "20.00"),
        ("2026-06-01T06:00:00Z", "24.00"),
        ("2026-06-01T07:00:00Z", "18.00"),
    ]


def test_hours_that_cannot_be_told_apart_are_one_row(buyer, provider):
    contract = opened(buyer, provider)
    meter(contract, now=START + 3 * HOUR, seconds=7000)
    release(now=START + 3 * HOUR)
    collect_charges()
    [row] = rows(buyer)
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == (
        "2026-06-01T05:00:00Z",
        "2026-06-01T08:00:00Z",
    )
    assert (row["BilledCost"], row["ConsumedQuantity"], row["PricingUnit"]) == ("43.40", "6", "Payments")


def test_hours_that_nobody_metered_are_not_consumed(buyer, provider):
    """The unmetered hour comes back in the settlement that pays a later one."""
    contract = opened(buyer, provider, prices=(10,) * 80)
    first, *later = [Reading(contract.pk, START + n * HOUR, 7200, "agent", 0) for n in range(80)]
    now = START + 80 * HOUR
    report_usage(actor=acting(provider), readings=later, now=now)
    release(now=START + 70 * HOUR)
    release(now=now)
    collect_charges()
    assert first.slot == START
    assert sum(int(row["ConsumedQuantity"]) for row in rows(buyer)) == 79 * 2
    assert sum(Decimal(row["BilledCost"]) for row in rows(buyer)) == Decimal("15.80")


def test_a_break_fee_is_an_adjustment_and_no_hour(buyer, provider, operator):
    contract = opened(buyer, provider)
    paid(contract, hours=1)
    breach = {
        "ground": Ground.BREACH,
        "breaching_id": buyer.pk,
        "from_slot": START + 2 * HOUR,
        "reason": "Unpaid.",
    }
    terminate(actor=Actor(user=operator), contract_id=contract.pk, **breach, now=START + 1.5 * HOUR)
    meter(contract, now=START + 2 * HOUR)
    release(now=START + 2 * HOUR)
    collect_charges()
    contract.refresh_from_db()
    assert contract.status == Contract.Status.TERMINATED
    break_fee = to_yuan(contract.termination.break_fee)
    assert break_fee > 0
    assert sorted(column(rows(buyer), "ChargeCategory", "BilledCost", "ConsumedQuantity")) == [
        ("Adjustment", str(break_fee), ""),
        ("Usage", "20.00", "2"),
        ("Usage", "24.00", "2"),
    ]


def test_what_an_hour_fell_short_stands_between_contracted_and_billed(buyer, provider):
    paid(opened(buyer, provider), seconds=7000)
    collect_charges()
    assert column(rows(buyer), "ListCost", "ContractedCost", "BilledCost", "EffectiveCost")[0] == (
        "20.00", "20.00", "14.00", "14.00",
    )  # fmt: skip


def test_a_later_correction_is_a_credit_with_its_credit_note(buyer, provider):
    contract = opened(buyer, provider)
    paid(contract)
    issue_monthly_invoices(now=JULY)
    corrected(contract, seconds=7000, now=JULY + HOUR)
    issue_monthly_invoices(now=AUGUST)
    usage = [row for row in rows(buyer) if row["ChargeCategory"] == "Usage"]
    credits_ = [row for row in rows(buyer) if row["ChargeCategory"] == "Credit"]
    assert {row["InvoiceId"] for row in usage} == {"INV-2026-000001"}
    assert {(row["InvoiceId"], row["ChargeClass"]) for row in credits_} == {("CN-2026-000002", "Correction")}
    for invoice in Invoice.objects.filter(kind="supply"):
        sign = -1 if invoice.is_credit_note else 1
        billed = [Decimal(row["BilledCost"]) for row in rows(buyer) if row["InvoiceId"] == invoice.number]
        assert sum(billed) * 100 == sign * invoice.gross


def test_a_licence_is_a_purchase(buyer, fund, now):
    plan = LicencePlanFactory(price=1000)
    fund(buyer, 3000)
    [licence] = open_contracts(drafts=[licence_draft(buyer, plan, now=now)], now=now)
    release(now=licence.acceptance_ends_at)
    collect_charges()
    [row] = rows(buyer)
    assert (row["ChargeCategory"], row["ChargeFrequency"], row["PricingUnit"]) == (
        "Purchase",
        "One-Time",
        "Seats",
    )
    assert (row["BilledCost"], row["ContractedUnitPrice"], row["PricingQuantity"]) == ("30.00", "10.00", "3")
    assert row["ConsumedQuantity"] == ""
    assert row["ChargeDescription"] == "Licence, 3 seats"


def test_one_seat_is_one_seat(buyer, fund, now):
    plan = LicencePlanFactory(price=1000)
    fund(buyer, 1000)
    [licence] = open_contracts(drafts=[licence_draft(buyer, plan, now=now, seats=1)], now=now)
    release(now=licence.acceptance_ends_at)
    collect_charges()
    [row] = rows(buyer)
    assert row["ChargeDescription"] == "Licence, 1 seat"


def test_unit_price_times_quantity_is_the_cost(buyer, provider):
    paid(opened(buyer, provider, number=1), seconds=7000)
    other = opened(buyer, provider, number=2)
    meter(other, now=START + 3 * HOUR, seconds=7100)
    release(now=START + 3 * HOUR)
    collect_charges()
    for row in rows(buyer):
        product = Decimal(row["ContractedUnitPrice"]) * Decimal(row["PricingQuantity"])
        assert product == Decimal(row["ContractedCost"])


def test_a_period_has_its_start_and_not_its_end(buyer, provider):
    paid(opened(buyer, provider))
    collect_charges()
    second = START + 2 * HOUR
    assert column(rows(buyer, since=second, until=second + HOUR), "BilledCost") == [("24.00",)]
    assert rows(provider) == []


def test_a_name_is_no_formula(buyer, provider):
    pool = PoolFactory(facility__provider=provider, facility__city="=HYPERLINK(0)")
    paid(opened(buyer, provider, pool=pool))
    collect_charges()
    assert {row["RegionName"] for row in rows(buyer)} == {"'=HYPERLINK(0)"}


def test_a_long_file_is_never_in_memory_whole(buyer, provider, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr("settlement.invoices.focus.CHUNK", 2)
    paid(opened(buyer, provider))
    collect_charges()
    lines = focus_rows(buyer, since=START, until=START + datetime.timedelta(days=1))
    with django_assert_max_num_queries(2):
        next(lines)
    assert len(list(lines)) == 2
