"""An organisation asks to be paid out, or is paid out by its schedule."""

import datetime

import pytest

from accounts.audit import Actor
from accounts.errors import NotAllowed
from accounts.models import AuditEvent, Organisation, OutgoingEmail, Role
from accounts.permissions import NotVerified
from settlement.ledger.check import differences
from settlement.ledger.errors import InsufficientFunds, KeyUsedForAnotherBody
from settlement.ledger.models import AccountKind, TransferKind
from settlement.ledger.operations import Posting, open_accounts, platform_account, post_transfer
from settlement.ledger.queries import Balances, balance_of
from settlement.payments.errors import PayoutRefused
from settlement.payments.models import Payout, PayoutSchedule, PayoutSource, Rail
from settlement.payments.operations import (
    ask_payout,
    choose_payout_schedule,
    fail_payout,
    open_payout,
    pay_out_on_schedule,
    pay_payouts,
    refuse_payout,
    send_payout,
)
from tests.factories.accounts import MemberFactory
from tests.factories.payouts import asked, clearing, earn, payout_account, sent
from tests.factories.settlement import acting, fund

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)
Frequency = PayoutSchedule.Frequency


def ask(organisation, fen, now, *, role=Role.FINANCE, key="1"):
    return ask_payout(
        actor=acting(organisation, role),
        amount=fen,
        taken_from=PayoutSource.RECEIVABLE,
        key=key,
        now=now,
    )


def test_money_asked_for_leaves_the_receivable_balance_at_once(provider, now):
    earn(provider, 50_000)
    payout = asked(provider, 20_000)
    assert (payout.status, payout.rail) == (Payout.Status.WAITING, Rail.BANK)
    assert balance_of(provider) == Balances(receivable=30_000)
    assert clearing() == 20_000
    assert AuditEvent.objects.get(verb="ask").detail == {"fen": 20_000}


def test_a_buyer_withdraws_what_is_available(buyer, now):
    fund(buyer, 50_000)
    asked(buyer, 50_000, taken_from=PayoutSource.AVAILABLE)
    assert balance_of(buyer) == Balances()


def test_the_same_key_is_paid_out_once_and_for_the_same_amount(provider, now):
    earn(provider, 50_000)
    first = asked(provider, 20_000)
    assert asked(provider, 20_000, now=now + DAY) == first
    assert balance_of(provider).receivable == 30_000
    with pytest.raises(KeyUsedForAnotherBody):
        asked(provider, 20_001)


def test_no_more_than_there_is(provider, now):
    earn(provider, 20_000)
    payout_account(provider)
    with pytest.raises(InsufficientFunds):
        ask(provider, 20_001, now)
    assert not Payout.objects.exists()


def test_no_less_than_the_minimum(provider, now, settings):
    settings.PAYOUT_MINIMUM_FEN = 20_000
    earn(provider, 50_000)
    payout_account(provider)
    with pytest.raises(PayoutRefused, match=r"¥200\.00"):
        ask(provider, 19_999, now)


def test_an_account_must_be_there_and_its_wait_over(provider, now):
    earn(provider, 50_000)
    with pytest.raises(PayoutRefused, match="bank account"):
        ask(provider, 20_000, now)
    account = payout_account(provider, now=now)
    with pytest.raises(PayoutRefused, match="for a while"):
        ask(provider, 20_000, now + DAY - datetime.timedelta(minutes=1))
    assert ask(provider, 20_000, now + DAY).account == account


def test_owners_and_finance_ask_and_nobody_else(provider, now, stranger):
    earn(provider, 90_000)
    payout_account(provider)
    for key, role in enumerate([Role.OWNER, Role.FINANCE]):
        ask(provider, 20_000, now, role=role, key=str(key))
    for role in (Role.TRADER, Role.ENGINEER, Role.VIEWER):
        with pytest.raises(NotAllowed):
            ask(provider, 20_000, now, role=role, key=role)
    with pytest.raises(NotAllowed):
        ask_payout(
            actor=Actor(user=stranger.user, organisation=provider),
            amount=20_000,
            taken_from=PayoutSource.RECEIVABLE,
            key="stranger",
            now=now,
        )


def test_an_organisation_that_is_not_verified_is_not_paid(provider, now):
    earn(provider, 50_000)
    payout_account(provider)
    provider.verification = Organisation.Verification.PENDING
    provider.save()
    with pytest.raises(NotVerified):
        ask(provider, 20_000, now)


def test_nor_one_that_owes_the_exchange(provider, now):
    earn(provider, 50_000)
    payout_account(provider)
    arrears = open_accounts(organisation=provider)[AccountKind.ARREARS]
    bank = platform_account(kind=AccountKind.STRIPE).shard_for("")
    post_transfer(
        kind=TransferKind.CHARGEBACK,
        source="test",
        source_id="1",
        postings=[Posting(arrears, -700), Posting(bank, 700)],
        now=now,
    )
    with pytest.raises(PayoutRefused, match=r"¥7\.00 is owed"):
        ask(provider, 20_000, now)


def test_a_payout_that_fails_goes_back_where_it_came_from_once(provider, now):
    earn(provider, 50_000)
    payout = asked(provider, 20_000)
    sent(payout)
    first = fail_payout(payout_id=payout.pk, reason="No such account", now=now)
    assert fail_payout(payout_id=payout.pk, reason="No such account", now=now) == first
    payout.refresh_from_db()
    assert (payout.status, payout.reason) == (Payout.Status.FAILED, "No such account")
    assert balance_of(provider) == Balances(receivable=50_000)
    assert clearing() == 0
    letter = OutgoingEmail.objects.filter(subject=f"Payout {payout.serial} failed").first()
    assert "No such account" in letter.text


def test_a_failed_payout_is_never_paid(provider, now):
    earn(provider, 50_000)
    payout = asked(provider, 20_000)
    sent(payout)
    fail_payout(payout_id=payout.pk, reason="No such account", now=now)
    with pytest.raises(PayoutRefused, match="it is failed"):
        pay_payouts(payout_ids=[payout.pk], now=now)


def test_a_payout_is_paid_once_and_may_be_sent_back(provider, now):
    earn(provider, 50_000)
    payout = asked(provider, 20_000)
    sent(payout)
    first = pay_payouts(payout_ids=[payout.pk], now=now)
    assert pay_payouts(payout_ids=[payout.pk], now=now + DAY) == first
    assert clearing() == 0
    fail_payout(payout_id=payout.pk, reason="Account closed", now=now + DAY)
    assert balance_of(provider) == Balances(receivable=50_000)
    assert clearing() == 0
    assert list(differences()) == []


def test_a_waiting_payout_is_not_paid(provider, now):
    earn(provider, 50_000)
    payout = asked(provider, 20_000)
    with pytest.raises(PayoutRefused, match="not on its way"):
        pay_payouts(payout_ids=[payout.pk], now=now)


def test_an_operator_gives_a_waiting_payout_back(provider, now, operator):
    earn(provider, 50_000)
    payout = asked(provider, 20_000)
    with pytest.raises(NotAllowed):
        refuse_payout(actor=acting(provider), payout_id=payout.pk, reason="No", now=now)
    refuse_payout(actor=Actor(user=operator), payout_id=payout.pk, reason="Sanctions check", now=now)
    assert balance_of(provider) == Balances(receivable=50_000)
    with pytest.raises(PayoutRefused):
        refuse_payout(actor=Actor(user=operator), payout_id=payout.pk, reason="Again", now=now)


def test_on_stripe_the_money_leaves_by_stripes_account(provider, now):
    earn(provider, 50_000)
    payout = open_payout(
        organisation=provider,
        rail=Rail.STRIPE,
        taken_from=PayoutSource.RECEIVABLE,
        amount=20_000,
        key="1",
        asked_by=None,
        now=now,
    )
    send_payout(payout_id=payout.pk, external_id="po_1", now=now)
    send_payout(payout_id=payout.pk, external_id="po_1", now=now)
    with pytest.raises(PayoutRefused):
        send_payout(payout_id=payout.pk, external_id="po_2", now=now)
    transfer = pay_payouts(payout_ids=[payout.pk], now=now)[payout.pk]
    kinds = dict(transfer.entries.values_list("account__kind", "amount"))
    assert kinds == {AccountKind.PAYOUTS: -20_000, AccountKind.STRIPE: 20_000}


@pytest.fixture
def weekly(provider, now):
    """Paid out every week, with ¥500 receivable. The tests' now is a Monday."""
    earn(provider, 50_000)
    payout_account(provider)
    choose_payout_schedule(actor=acting(provider), frequency=Frequency.WEEKLY, now=now)
    return provider


def test_a_schedule_pays_out_once_a_period(weekly, now):
    assert [pay_out_on_schedule(now=now + days * DAY) for days in (0, 0, 6)] == [1, 0, 0]
    assert balance_of(weekly) == Balances()
    earn(weekly, 30_000)
    assert pay_out_on_schedule(now=now + 7 * DAY) == 1
    assert sorted(Payout.objects.values_list("amount", flat=True)) == [30_000, 50_000]
    assert all(payout.is_scheduled for payout in Payout.objects.all())


def test_a_month_is_the_exchanges_own(weekly, now):
    choose_payout_schedule(actor=acting(weekly), frequency=Frequency.MONTHLY, now=now)
    last_hour = datetime.datetime(2026, 6, 30, 15, 30, tzinfo=datetime.UTC)
    assert pay_out_on_schedule(now=last_hour) == 1
    earn(weekly, 30_000)
    assert pay_out_on_schedule(now=last_hour) == 0
    assert pay_out_on_schedule(now=last_hour + datetime.timedelta(hours=1)) == 1


def test_less_than_the_minimum_waits_for_more(weekly, now, settings):
    settings.PAYOUT_MINIMUM_FEN = 60_000
    assert pay_out_on_schedule(now=now) == 0
    earn(weekly, 10_000)
    assert pay_out_on_schedule(now=now + DAY) == 1


def test_one_that_cannot_be_paid_does_not_keep_the_others_waiting(weekly, provider, now):
    other = MemberFactory().organisation
    earn(other, 50_000)
    choose_payout_schedule(actor=acting(other), frequency=Frequency.WEEKLY, now=now)
    assert pay_out_on_schedule(now=now) == 1
    payout_account(other)
    assert pay_out_on_schedule(now=now) == 1


def test_only_who_may_move_money_chooses_the_schedule(provider, now):
    with pytest.raises(NotAllowed):
        choose_payout_schedule(actor=acting(provider, Role.TRADER), frequency=Frequency.WEEKLY, now=now)
