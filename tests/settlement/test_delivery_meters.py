"""Meters pay: credits by the table, late and corrected readings, hours that nobody metered."""

import datetime

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import NotAllowed
from accounts.models import OutgoingEmail, Role
from settlement.contracts.models import Contract
from settlement.contracts.operations import open_contracts
from settlement.contracts.terms import DEFAULT_TIERS
from settlement.delivery.errors import BadReading, NotThatState, RevisionUsed
from settlement.delivery.models import Correction, Delivery, StateReport, UsageRecord
from settlement.delivery.operations import (
    Reading,
    collect_owed,
    release,
    remind_of_unmetered_hours,
    report_state,
    report_usage,
)
from settlement.delivery.service_level import credit_on
from settlement.ledger.models import AccountKind, Transfer, TransferKind
from settlement.ledger.operations import Posting, open_accounts, post_transfer
from settlement.ledger.queries import Balances, balance_of
from tests.factories.listings import PoolFactory
from tests.factories.settlement import HOUR, acting, compute_draft, meter

pytestmark = pytest.mark.django_db

START = datetime.datetime(2026, 6, 1, 5, 0, tzinfo=datetime.UTC)
END = START + 3 * HOUR
FULL = 7200


@pytest.fixture
def contract(buyer, provider, fund, now) -> Contract:
    """Two units for three hours from 05:00: 2,000, 2,400 and 1,800 fen."""
    fund(buyer, 6200)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=now)
    return open_contracts(drafts=[draft], now=now)[0]


def report(contract, seconds, *, hour=0, revision=0, source="agent", now=END):
    reading = Reading(contract.pk, START + hour * HOUR, seconds, source, revision)
    return report_usage(actor=acting(contract.provider), readings=[reading], now=now)


@pytest.mark.parametrize(
    ("delivered", "credit"),
    [(7200, 0), (7164, 0), (7163, 200), (7128, 200), (7127, 600), (6840, 600), (6839, 2000), (0, 2000)],
)
def test_the_credit_follows_the_table_to_the_second(contract, buyer, provider, delivered, credit):
    report(contract, delivered, now=START + HOUR)
    release(now=START + HOUR)
    [hour] = Delivery.objects.all()
    assert (hour.credit, hour.delivered_seconds) == (credit, delivered)
    assert balance_of(buyer) == Balances(available=credit, escrow=4200)
    assert balance_of(provider).receivable == (2000 - credit) * 98 // 100


def test_a_contract_may_have_a_table_of_its_own(buyer, provider, fund, now):
    fund(buyer, 6200)
    terms = {"service_level": {"tiers": [{"below": 10_000, "credit": 5000}]}}
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=now, terms=terms)
    [contract] = open_contracts(drafts=[draft], now=now)
    report(contract, FULL - 1)
    release(now=END)
    assert balance_of(buyer) == Balances(available=1000, escrow=4200)


def test_a_credit_is_rounded_half_even():
    assert [credit_on(amount, 98, 100, DEFAULT_TIERS) for amount in (5, 15, 25)] == [2, 4, 8]
    assert [credit_on(amount, 99, 100, DEFAULT_TIERS) for amount in (5, 15, 25)] == [0, 2, 2]


def test_readings_may_come_twice_and_in_any_order(contract, buyer):
    assert report(contract, FULL, revision=2) == 1
    assert report(contract, 0, revision=1) == 1
    assert report(contract, FULL, revision=2) == 0
    release(now=START + HOUR)
    assert balance_of(buyer) == Balances(escrow=4200)
    with pytest.raises(RevisionUsed):
        report(contract, 1, revision=2)
    assert UsageRecord.objects.count() == 2


def test_where_sources_differ_the_least_counts(contract, buyer):
    report(contract, FULL, source="agent")
    report(contract, 0, source="probe")
    release(now=START + HOUR)
    assert balance_of(buyer) == Balances(available=2000, escrow=4200)


def test_readings_that_do_not_fit_store_nothing(contract, buyer):
    actor = acting(contract.provider)
    good = Reading(contract.pk, START, FULL, "agent")
    for bad, when in [
        (Reading(contract.pk, START, FULL + 1, "agent"), END),
        (Reading(contract.pk, START, -1, "agent"), END),
        (Reading(contract.pk, END, FULL, "agent"), END + HOUR),
        (Reading(contract.pk, START - HOUR, FULL, "agent"), END),
        (Reading(contract.pk, START + HOUR / 2, FULL, "agent"), END),
        (Reading(contract.pk, START + 2 * HOUR, FULL, "agent"), END - datetime.timedelta(seconds=1)),
    ]:
        with pytest.raises(BadReading):
            report_usage(actor=actor, readings=[good, bad], now=when)
    for other in (
        acting(buyer),
        acting(contract.provider, Role.VIEWER),
        acting(contract.provider, Role.FINANCE),
    ):
        with pytest.raises(NotAllowed):
            report_usage(actor=other, readings=[good], now=END)
    assert not UsageRecord.objects.exists()


def test_an_hour_without_a_meter_waits_and_others_do_not_wait_for_it(contract, buyer):
    report(contract, FULL, hour=1)
    assert release(now=END) == 1
    contract.refresh_from_db()
    assert (contract.escrow, contract.settled_until) == (3800, START)
    report(contract, FULL, hour=0)
    assert release(now=END) == 1
    contract.refresh_from_db()
    assert (contract.escrow, contract.settled_until) == (1800, START + 2 * HOUR)


def test_an_hour_that_nobody_meters_goes_back_to_the_buyer(contract, buyer, provider, settings):
    wait = settings.UNMETERED_RETURN_HOURS * HOUR
    assert release(now=START + HOUR + wait - datetime.timedelta(seconds=1)) == 0
    assert release(now=START + HOUR + wait) == 1
    assert balance_of(buyer) == Balances(available=2000, escrow=4200)
    assert report(contract, FULL, now=START + HOUR + wait) == 1
    release(now=START + HOUR + wait)
    assert balance_of(provider) == Balances()
    assert release(now=END + wait) == 2
    contract.refresh_from_db()
    assert contract.status == Contract.Status.COMPLETED
    assert balance_of(buyer) == Balances(available=6200)


def test_hours_after_a_failure_go_back_at_their_closing(contract, buyer):
    actor = acting(contract.provider)
    report_state(actor=actor, contract_id=contract.pk, state=StateReport.State.ACTIVE, now=START)
    report_state(actor=actor, contract_id=contract.pk, state=StateReport.State.FAILED, now=START + HOUR / 2)
    assert release(now=START + 2 * HOUR) == 1
    assert balance_of(buyer) == Balances(available=2400, escrow=3800)
    with pytest.raises(NotThatState):
        report_state(actor=actor, contract_id=contract.pk, state=StateReport.State.ACTIVE, now=START)


def test_the_provider_is_reminded_once_of_each_hour(contract, settings):
    acting(contract.provider)
    acting(contract.provider, Role.VIEWER)
    later = START + HOUR + settings.METER_REMINDER_HOURS * HOUR
    assert remind_of_unmetered_hours(now=later - datetime.timedelta(seconds=1)) == 0
    assert [remind_of_unmetered_hours(now=later) for _ in range(2)] == [1, 0]
    report(contract, FULL, hour=1, now=later)
    assert remind_of_unmetered_hours(now=later + HOUR) == 0
    assert remind_of_unmetered_hours(now=later + 2 * HOUR) == 1
    assert OutgoingEmail.objects.count() == 2
    assert contract.number in OutgoingEmail.objects.first().subject


def test_a_late_correction_is_taken_from_what_the_provider_has_receivable(contract, buyer, provider):
    meter(contract, now=END)
    release(now=END)
    assert balance_of(provider).receivable == 6076
    report(contract, 0, revision=1)
    assert balance_of(buyer) == Balances(available=2000)
    assert balance_of(provider).receivable == 6076 - 1960
    report(contract, FULL, revision=2)
    release(now=END)
    assert balance_of(buyer) == Balances(available=2000)
    assert Correction.objects.count() == 1


def pay_out(provider, now):
    """As if it had been sent to the provider's bank."""
    accounts = open_accounts(organisation=provider)
    amount = balance_of(provider).receivable
    lines = [
        Posting(accounts[AccountKind.RECEIVABLE], -amount),
        Posting(accounts[AccountKind.AVAILABLE], amount),
    ]
    key = str(Transfer.objects.count())
    post_transfer(kind=TransferKind.TOP_UP, source="test", source_id=key, postings=lines, now=now)


def test_what_a_provider_cannot_pay_back_is_taken_from_its_next_release(contract, buyer, provider):
    report(contract, FULL)
    release(now=START + HOUR)
    pay_out(provider, START)
    report(contract, 0, revision=1)
    assert balance_of(buyer).available == 40
    report(contract, FULL, hour=2)
    release(now=END)
    assert balance_of(buyer).available == 40 + 1764
    assert balance_of(provider).receivable == 0
    assert [collect_owed(now=END) for _ in range(2)] == [0, 0]
    report(contract, FULL, hour=1)
    release(now=END)
    assert balance_of(buyer).available == 2000
    assert balance_of(provider).receivable == 2352 - 196
    assert collect_owed(now=END) == 0


def test_the_database_keeps_a_credit_within_its_hour(contract):
    report(contract, FULL)
    release(now=START + HOUR)
    [hour] = Delivery.objects.all()
    hour.pk, hour.slot, hour.credit = None, START + HOUR, 1961
    hour.credit_transfer = hour.transfer
    with pytest.raises(IntegrityError, match="delivery_fee_within_amount"), transaction.atomic():
        hour.save(force_insert=True)
