"""Invoices say what the ledger paid: each fen once, by contract or by month, and credit notes what went back."""

import datetime

import pytest

from accounts.models import Jurisdiction
from settlement.contracts.models import Contract
from settlement.contracts.operations import EscrowPayment, open_contracts, pay_from_escrow
from settlement.delivery.operations import release
from settlement.invoices.models import Charge, Invoice, InvoiceProfile
from settlement.invoices.operations import issue_contract_invoices, issue_monthly_invoices
from settlement.ledger.models import TransferKind
from tests.factories.listings import LicencePlanFactory, PoolFactory
from tests.factories.settlement import HOUR, compute_draft, licence_draft, meter

pytestmark = pytest.mark.django_db

START = datetime.datetime(2026, 6, 1, 5, 0, tzinfo=datetime.UTC)
JULY = datetime.datetime(2026, 6, 30, 16, 0, tzinfo=datetime.UTC)  # Midnight in Shanghai.
Cycle = InvoiceProfile.Cycle


@pytest.fixture
def provider(provider):
    provider.jurisdiction = Jurisdiction.MAINLAND
    provider.save()
    return provider


@pytest.fixture
def contract(buyer, provider, fund, now) -> Contract:
    """Two units for three hours from 05:00: 2,000, 2,400 and 1,800 fen."""
    fund(buyer, 6200)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=now)
    [opened] = open_contracts(drafts=[draft], now=now)
    return opened


def choose(organisation, cycle) -> None:
    InvoiceProfile.objects.create(
        organisation=organisation, title=organisation.name_zh, tax_number="1", cycle=cycle
    )


def test_a_month_is_invoiced_when_it_is_over(contract, buyer, provider):
    meter(contract, now=START + 3 * HOUR)
    release(now=START + 3 * HOUR)
    assert issue_monthly_invoices(now=JULY - datetime.timedelta(microseconds=1)) == []
    fee, supply = issue_monthly_invoices(now=JULY)
    assert (supply.number, supply.seller, supply.customer) == ("INV-2026-000001", provider, buyer)
    assert (supply.gross, supply.net, supply.tax) == (6200, 5849, 351)
    assert (fee.number, fee.seller, fee.customer) == ("FEE-2026-000001", None, provider)
    assert (fee.gross, fee.net, fee.tax) == (124, 117, 7)
    assert issue_monthly_invoices(now=JULY) == []
