"""Providers at Stripe: their account, and earned money on its way to their bank, there and back."""

import pytest

from accounts.errors import NotAllowed
from accounts.models import Jurisdiction, Role
from settlement.ledger.errors import InsufficientFunds
from settlement.ledger.models import AccountKind, TransferKind
from settlement.ledger.operations import Posting, open_accounts, platform_account, post_transfer
from settlement.ledger.queries import Balances, balance_of
from settlement.payments import operations
from settlement.payments.errors import NoPayoutAccount, PayoutRefused, StripeSilent
from settlement.payments.models import (
    Payout,
    PayoutSchedule,
    PayoutSource,
    Rail,
    StripeAccount,
    StripeCall,
    StripePayout,
)
from settlement.payments.operations import stripe_accounts
from tests.factories.settlement import acting

pytestmark = pytest.mark.django_db
Status = Payout.Status
BACK = "https://exchange.example/balance/stripe-account/"


def onboard(world, provider) -> str:
    page = operations.onboarding_page(
        actor=acting(provider), country="HK", return_url=BACK, refresh_url=BACK, now=world.now
    )
    assert page.startswith(world.stripe.address + "/onboard/")
    return page.rsplit("/", 1)[1]


@pytest.fixture
def account(world, provider, buyer) -> StripeAccount:
    """A provider's account at Stripe, proved, with ¥2,000 earned; and money at Stripe to pay it from."""
    world.top_up(buyer, 1_000_000)
    account_id = onboard(world, provider)
    world.stripe.connect.prove(account_id)
    world.hear()
    earn(provider, 200_000, world.now)
    return StripeAccount.objects.get()


def earn(provider, fen, now) -> None:
    key = f"{provider.pk}-{fen}"
    bank = platform_account(kind=AccountKind.BANK).shard_for(key)
    receivable = open_accounts(organisation=provider)[AccountKind.RECEIVABLE]
    post_transfer(
        kind=TransferKind.RELEASE,
        source="test",
        source_id=key,
        postings=[Posting(bank, -fen), Posting(receivable, fen)],
        now=now,
    )


def ask(world, provider, amount=150_000, key="one") -> Payout:
    return operations.ask_stripe_payout(actor=acting(provider), amount=amount, key=key, now=world.now)


def clearing(world) -> int:
    return world.fen(AccountKind.PAYOUTS)


# The account


def test_an_account_is_opened_once_and_ready_when_stripe_says_so(world, provider):
    account_id = onboard(world, provider)
    assert onboard(world, provider) == account_id
    assert len(world.stripe.asked("/v1/accounts")) == 1
    account = StripeAccount.objects.get()
    assert not account.is_ready
    world.stripe.connect.prove(account_id)
    world.hear(times=3, seed=1)
    account.refresh_from_db()
    assert (account.is_ready, account.missing) == (True, 0)
    world.stripe.connect.suspend(account_id)
    world.hear()
    account.refresh_from_db()
    assert (account.is_ready, account.missing) == (False, 1)


def test_an_owner_who_cuts_the_account_off_is_not_paid_there(world, provider, account):
    world.stripe.connect.deauthorize(account.account_id)
    world.hear(times=2, seed=1)
    account.refresh_from_db()
    assert not account.is_ready
    with pytest.raises(NoPayoutAccount):
        ask(world, provider)


def test_an_older_answer_is_not_the_last_word(world, provider, account, monkeypatch):
    """While one worker's answer is on its way, another's is asked for later, and written first."""
    fetch, asked = stripe_accounts._fetched, []

    def slow(account_id):
        answer = fetch(account_id)
        asked.append(account_id)
        if len(asked) == 1:
            world.stripe.connect.suspend(account_id)
            stripe_accounts.sync_account(account_id, "", world.now)
        return answer

    monkeypatch.setattr(stripe_accounts, "_fetched", slow)
    stripe_accounts.sync_account(account.account_id, "", world.now)
    account.refresh_from_db()
    assert not account.is_ready
    assert len(asked) == 3


def test_where_stripe_serves_nobody_and_who_does_not_provide_has_no_account(world, provider, buyer):
    provider.jurisdiction = Jurisdiction.MAINLAND
    provider.save()
    for organisation in (provider, buyer):
        with pytest.raises(NoPayoutAccount):
            onboard(world, organisation)
    assert world.stripe.requests == []


def test_only_an_owner_opens_the_account(world, provider):
    with pytest.raises(NotAllowed):
        operations.onboarding_page(
            actor=acting(provider, Role.FINANCE),
            country="HK",
            return_url=BACK,
            refresh_url=BACK,
            now=world.now,
        )


def test_a_silent_stripe_is_told(world, provider):
    world.stripe.errors_next = 1
    with pytest.raises(StripeSilent):
        onboard(world, provider)


# The way there


def test_a_payout_goes_by_a_transfer_to_the_bank(world, provider, account):
    payout = ask(world, provider)
    assert balance_of(provider) == Balances(receivable=50_000)
    assert clearing(world) == 150_000
    world.sweep()
    payout.refresh_from_db()
    way = StripePayout.objects.get()
    assert (payout.status, way.bank) == (Status.PAID, StripePayout.Bank.AWAITED)
    assert clearing(world) == 0
    assert world.agrees_with_stripe()
    world.stripe.connect.arrive(way.bank_payout_id, account.account_id)
    world.hear(times=3, seed=2)
    way.refresh_from_db()
    assert way.bank == StripePayout.Bank.ARRIVED
    assert len(world.stripe.books.all("transfer")) == 1
    assert world.agrees_with_stripe()


def test_a_payout_is_asked_for_once_a_key(world, provider, account):
    assert ask(world, provider) == ask(world, provider)
    world.sweep()
    assert len(world.stripe.books.all("transfer")) == 1
    assert balance_of(provider) == Balances(receivable=50_000)


def test_less_than_the_minimum_and_more_than_is_earned_are_refused(world, provider, account, settings):
    with pytest.raises(PayoutRefused):
        ask(world, provider, settings.PAYOUT_MINIMUM_FEN - 1)
    with pytest.raises(InsufficientFunds):
        ask(world, provider, 200_001)
    assert not StripeCall.objects.filter(verb="transfer").exists()


def test_a_lost_answer_transfers_once(world, provider, account):
    payout = ask(world, provider)
    world.stripe.answers_lost = 1
    world.sweep()
    payout.refresh_from_db()
    assert (payout.status, clearing(world)) == (Status.WAITING, 150_000)
    world.hear()  # transfer.created comes first.
    payout.refresh_from_db()
    assert payout.status == Status.PAID
    world.later(minutes=5)
    world.sweep()
    world.hear(times=2, seed=1)
    assert len(world.stripe.books.all("transfer")) == 1
    assert len(world.stripe.books.all("payout", account.account_id)) == 1
    assert world.agrees_with_stripe()


def test_the_schedule_pays_out_through_stripe(world, provider, account):
    operations.choose_payout_schedule(
        actor=acting(provider),
        frequency=PayoutSchedule.Frequency.WEEKLY,
        rail=Rail.STRIPE,
        now=world.now,
    )
    assert operations.pay_out_on_schedule(now=world.now) == 1
    assert operations.pay_out_on_schedule(now=world.now) == 0
    assert operations.begin_stripe_payouts(now=world.now) == 1
    assert operations.begin_stripe_payouts(now=world.now) == 0
    world.sweep()
    assert balance_of(provider) == Balances()
    assert Payout.objects.get().status == Status.PAID
    assert world.agrees_with_stripe()


def test_a_scheduled_payout_without_a_ready_account_is_put_back(world, provider):
    earn(provider, 200_000, world.now)
    operations.open_payout(
        organisation=provider,
        rail=Rail.STRIPE,
        taken_from=PayoutSource.RECEIVABLE,
        amount=200_000,
        key="x",
        asked_by=None,
        now=world.now,
    )
    assert operations.begin_stripe_payouts(now=world.now) == 0
    assert balance_of(provider) == Balances(receivable=200_000)
    assert clearing(world) == 0


# And back


def test_a_transfer_that_stripe_refuses_is_put_back(world, provider, account):
    world.stripe.books.move("payout", -990_000, "cny", "po_1")  # The balance at Stripe is nearly empty.
    payout = ask(world, provider)
    world.sweep()
    payout.refresh_from_db()
    assert (payout.status, payout.reason) == (Status.FAILED, "You have insufficient available funds.")
    assert balance_of(provider) == Balances(receivable=200_000)
    assert clearing(world) == 0


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("arrived_before", [False, True])
def test_what_the_bank_sends_back_is_receivable_again(world, provider, account, arrived_before, seed):
    payout = ask(world, provider)
    world.sweep()
    way = StripePayout.objects.get()
    if arrived_before:
        world.stripe.connect.arrive(way.bank_payout_id, account.account_id)
    world.stripe.connect.fail_payout(way.bank_payout_id, account.account_id)
    events = world.stripe.fresh_events()
    world.stripe.deliver(world.webhook, events, times=3, seed=seed)
    world.sweep()
    world.hear(times=3, seed=seed)
    payout.refresh_from_db()
    way.refresh_from_db()
    assert (payout.status, way.bank) == (Status.FAILED, StripePayout.Bank.FAILED)
    assert payout.reason == "The bank account has been closed."
    assert balance_of(provider) == Balances(receivable=200_000)
    assert clearing(world) == 0
    assert world.agrees_with_stripe()


def test_a_transfer_reversed_on_stripes_pages_is_receivable_again(world, provider, account):
    ask(world, provider)
    operations.make_due_calls(now=world.now)  # The transfer is made; the bank has not been asked yet.
    way = StripePayout.objects.get()
    world.stripe.connect.reverse_transfer(way.transfer_id, {})
    world.hear(times=2, seed=1)
    assert balance_of(provider) == Balances(receivable=200_000)
    assert world.agrees_with_stripe()


def test_a_chargeback_stops_payouts_until_it_is_paid(world, provider, account):
    top_up = world.top_up(provider, 100_000)
    provider_accounts = open_accounts(organisation=provider)
    bank = platform_account(kind=AccountKind.BANK).shard_for("spent")
    post_transfer(
        kind=TransferKind.MANUAL,
        source="test",
        source_id="spent",
        postings=[Posting(provider_accounts[AccountKind.AVAILABLE], -100_000), Posting(bank, 100_000)],
        now=world.now,
    )
    world.stripe.cards.open_dispute(top_up.payment_intent_id)
    world.hear()
    with pytest.raises(PayoutRefused):
        ask(world, provider)
