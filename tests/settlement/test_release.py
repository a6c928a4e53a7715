import datetime

import pytest
from django.db import IntegrityError, transaction

from settlement.contracts.errors import EscrowExceeded
from settlement.contracts.models import Contract
from settlement.contracts.operations import EscrowPayment, open_contracts, pay_from_escrow
from settlement.delivery.models import Delivery
from settlement.delivery.operations import release
from settlement.ledger.models import Account, AccountKind, Transfer, TransferKind
from settlement.ledger.queries import Balances, balance_of
from tests.factories.listings import LicencePlanFactory, PoolFactory
from tests.factories.settlement import HOUR, compute_draft, licence_draft, meter

pytestmark = pytest.mark.django_db

START = datetime.datetime(2026, 6, 1, 5, 0, tzinfo=datetime.UTC)


@pytest.fixture
def contract(buyer, provider, fund, now) -> Contract:
    """Two units for three hours from 05:00: 2,000, 2,400 and 1,800 fen."""
    fund(buyer, 6200)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=now)
    [opened] = open_contracts(drafts=[draft], now=now)
    meter(opened, now=START + 9 * HOUR)
    return opened


def fees() -> int:
    return sum(Account.objects.filter(kind=AccountKind.FEES).values_list("balance", flat=True))


def test_nothing_is_paid_before_the_first_hour_is_over(contract, buyer):
    assert release(now=START + HOUR - datetime.timedelta(microseconds=1)) == 0
    assert balance_of(buyer) == Balances(escrow=6200)


def test_a_metered_hour_that_has_passed_is_paid_less_the_fee(contract, buyer, provider):
    assert release(now=START + HOUR) == 1
    assert balance_of(buyer) == Balances(escrow=4200)
    assert balance_of(provider) == Balances(receivable=1960)
    assert fees() == 40


def test_a_missed_beat_loses_nothing(contract, buyer, provider):
    assert release(now=START + 2.5 * HOUR) == 2
    assert balance_of(provider) == Balances(receivable=1960 + 2352)
    assert Transfer.objects.filter(kind="release").count() == 1


def test_running_twice_pays_once(contract, provider):
    assert [release(now=START + 2 * HOUR) for _ in range(3)] == [2, 0, 0]
    assert balance_of(provider) == Balances(receivable=1960 + 2352)


def test_the_contract_completes_when_all_is_paid(contract, buyer, provider):
    for hours in (1, 2, 3):
        release(now=START + hours * HOUR)
    contract.refresh_from_db()
    assert (contract.status, contract.escrow) == (Contract.Status.COMPLETED, 0)
    assert contract.ended_at == START + 3 * HOUR
    assert balance_of(buyer) == Balances()
    assert balance_of(provider) == Balances(receivable=6200 - 124)
    assert fees() == 124
    assert list(Delivery.objects.values_list("amount", "fee")) == [(2000, 40), (2400, 48), (1800, 36)]


def test_the_fee_is_rounded_half_even_hour_by_hour(buyer, provider, fund, now):
    fund(buyer, 1000)
    pool = PoolFactory(facility__provider=provider)
    draft = compute_draft(buyer, pool, now=now, units=1, prices=(25, 75, 125, 24))
    [contract] = open_contracts(drafts=[draft], now=now)
    meter(contract, now=START + 9 * HOUR)
    release(now=START + 9 * HOUR)
    assert list(Delivery.objects.values_list("fee", flat=True)) == [0, 2, 2, 0]


def test_a_change_of_the_fee_leaves_open_contracts_alone(contract, settings):
    settings.FEE_BASIS_POINTS = 5000
    release(now=START + HOUR)
    assert fees() == 40


def test_a_free_hour_is_delivered_without_a_transfer(buyer, provider, fund, now):
    fund(buyer, 10)
    pool = PoolFactory(facility__provider=provider)
    draft = compute_draft(buyer, pool, now=now, units=1, prices=(0, 0), held=10)
    [contract] = open_contracts(drafts=[draft], now=now)
    assert balance_of(buyer) == Balances(available=10)
    meter(contract, now=START + 9 * HOUR)
    assert release(now=START + HOUR) == 1
    contract.refresh_from_db()
    assert contract.status == Contract.Status.ACTIVE
    assert release(now=START + 2 * HOUR) == 1
    contract.refresh_from_db()
    assert contract.status == Contract.Status.COMPLETED


def test_the_database_refuses_to_pay_an_hour_twice(contract):
    release(now=START + HOUR)
    [delivery] = Delivery.objects.all()
    delivery.pk = None
    with pytest.raises(IntegrityError, match="delivery_paid_once"), transaction.atomic():
        delivery.save(force_insert=True)


def test_a_licence_without_a_time_to_accept_it_is_paid_at_once(buyer, fund, now, settings):
    settings.LICENCE_ACCEPTANCE_DAYS = 0
    plan = LicencePlanFactory(price=1000)
    fund(buyer, 3000)
    [licence] = open_contracts(drafts=[licence_draft(buyer, plan, now=now)], now=now)
    assert [release(now=now), release(now=now)] == [1, 0]
    licence.refresh_from_db()
    assert licence.status == Contract.Status.COMPLETED
    assert balance_of(plan.algorithm.publisher) == Balances(receivable=2940)
    assert balance_of(buyer) == Balances()


def test_a_payment_from_escrow_happens_once_and_never_exceeds_it(contract, buyer):
    refund = EscrowPayment(contract.pk, key="refund:1", buyer=5000, kind=TransferKind.RELEASE)
    for _ in range(2):
        pay_from_escrow(payments=[refund], now=START)
    contract.refresh_from_db()
    assert contract.escrow == 1200
    assert balance_of(buyer) == Balances(available=5000, escrow=1200)
    with pytest.raises(EscrowExceeded):
        pay_from_escrow(payments=[EscrowPayment(contract.pk, key="refund:2", buyer=1201)], now=START)
