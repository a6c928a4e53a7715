"""The ledger's account at Stripe is held against Stripe's own balance transactions."""

import datetime

import pytest
from django.db import transaction

from settlement.ledger.models import AccountKind, Currency
from settlement.payments import operations
from settlement.payments.models import (
    BankLine,
    CardTopUp,
    Difference,
    Reconciliation,
    StripeBalanceTransaction,
)
from settlement.payments.operations import Place
from tests.factories.payouts import earn, operator
from tests.factories.settlement import acting
from tests.settlement.triggers import drop_trigger, run

pytestmark = pytest.mark.django_db
Kind = Difference.Kind
LATER = datetime.date(2100, 1, 1)  # The stand-in has a clock of its own.


def figures(runs) -> object:
    said = [(each.account, each.currency, each.ledger, each.statement) for each in runs]
    return said, sorted(
        Difference.objects.standing().values_list("account", "currency", "kind", "what", "amount")
    )


def reconciled(world, currency: str = "CNY") -> Reconciliation:
    """The run that goes on from the last proof, which says what the whole history says."""
    operations.catch_up(now=world.now)
    world.sweep()
    with transaction.atomic():
        whole = figures(operations.reconcile(day=LATER, now=world.now, from_the_beginning=True))
        transaction.set_rollback(True)
    runs = operations.reconcile(day=LATER, now=world.now)
    assert figures(runs) == whole
    [found] = [each for each in runs if (each.account, each.currency) == ("stripe", currency)]
    return found


def open_now() -> list[tuple[str, int]]:
    found = Difference.objects.open().filter(account="stripe")
    return sorted(found.values_list("kind", "amount"))


def test_nothing_at_stripe_is_nothing_told(world):
    assert (reconciled(world).ledger, reconciled(world).statement) == (0, None)
    assert open_now() == []


def test_top_ups_refunds_and_chargebacks_agree_with_their_fees(world, buyer):
    first, second = world.top_up(buyer, 100_000), world.top_up(buyer, 50_000)
    operations.ask_refund(actor=world.actor(buyer), top_up_id=first.pk, amount=30_000, key="1", now=world.now)
    world.sweep()
    world.hear()
    world.stripe.cards.open_dispute(second.payment_intent_id)
    world.hear()
    found = reconciled(world)
    assert found.difference == 0
    assert found.ledger == world.stripe.books.balance("cny")
    assert open_now() == []


def test_each_currency_is_its_own(world, buyer):
    world.top_up(buyer, 100_000, currency=Currency.HKD)
    assert reconciled(world, "HKD").difference == 0
    assert reconciled(world, "HKD").ledger > 0
    assert reconciled(world).statement is None


def test_what_is_not_booked_here_or_unknown_there_is_listed(world, buyer):
    top_up = world.top_up(buyer, 100_000)
    reconciled(world)
    drop_trigger("payments_stripebalancetransaction", "append_only")
    run("UPDATE payments_stripebalancetransaction SET amount = amount - 700, net = net - 700")
    runs = operations.reconcile(day=LATER, now=world.now, from_the_beginning=True)
    assert sum(each.difference or 0 for each in runs if each.account == "stripe") == -700
    assert open_now() == [(Kind.AMOUNTS, -700)]
    CardTopUp.objects.filter(pk=top_up.pk).update(charge_id=None)
    operations.reconcile(day=LATER, now=world.now)
    assert open_now() == [(Kind.LINE_ALONE, 99_300), (Kind.TRANSFER_ALONE, -100_000)]


def test_a_payout_and_its_way_back_agree(world, buyer, provider):
    world.top_up(buyer, 1_000_000)
    page = operations.onboarding_page(
        actor=acting(provider), country="HK", return_url="https://x.example/", refresh_url="https://x.example/",
        now=world.now,
    )  # fmt: skip
    account_id = page.rsplit("/", 1)[1]
    world.stripe.connect.prove(account_id)
    world.hear()
    earn(provider, 200_000)
    payout = operations.ask_stripe_payout(actor=acting(provider), amount=150_000, key="1", now=world.now)
    world.sweep()
    world.hear()
    payout.refresh_from_db()
    assert payout.status == "paid"
    assert reconciled(world).difference == 0
    world.stripe.connect.fail_payout(payout.through_stripe.bank_payout_id, account_id)
    world.hear()
    payout.refresh_from_db()
    assert payout.status == "failed"
    assert reconciled(world).difference == 0
    assert StripeBalanceTransaction.objects.filter(kind="transfer_refund").count() == 1
    assert open_now() == []


def test_stripes_payout_to_our_bank_is_booked_by_hand(world, buyer):
    world.top_up(buyer, 100_000)
    world.stripe.books.move("payout", -60_000, "cny", "po_ours")
    assert reconciled(world).difference == -60_000
    assert open_now() == [(Kind.LINE_ALONE, -60_000)]
    text = "serial,date,amount,payer,remark\nS1,2026-06-01,600,Stripe,payout\n"
    operations.import_bank_lines(actor=operator(), csv_text=text, now=world.now)
    manual = operations.propose_manual_transfer(
        actor=operator(),
        debit=Place(AccountKind.SUSPENSE),
        credit=Place(AccountKind.STRIPE),
        amount=60_000,
        reason="Stripe paid us out",
        bank_line=BankLine.objects.get(),
        now=world.now,
    )
    operations.approve_manual_transfer(actor=operator(), manual_id=manual.pk, now=world.now)
    assert reconciled(world).difference == 0
    assert open_now() == []
    assert StripeBalanceTransaction.objects.filter(kind="payout").count() == 1
