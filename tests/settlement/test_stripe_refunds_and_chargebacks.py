"""Money that goes back to cards: asked for, failed, contested, won; and what an organisation then owes."""

import pytest

from accounts.audit import Actor
from accounts.errors import NotAllowed
from accounts.models import OutgoingEmail, Role
from accounts.permissions import Permission
from marketplace.trading.operations.placing import buyer_of
from settlement.ledger.check import differences
from settlement.ledger.errors import InsufficientFunds, KeyUsedForAnotherBody
from settlement.ledger.models import AccountKind, Transfer, TransferKind
from settlement.ledger.operations import place_hold, void_hold
from settlement.ledger.queries import Balances, balance_of
from settlement.payments import operations
from settlement.payments.arrears import arrears_of
from settlement.payments.errors import BadAmount, InArrears, NotRefundable
from settlement.payments.models import BankLine, CardRefund, Chargeback
from settlement.payments.operations.stripe_chargebacks import sync_chargeback
from tests.factories.settlement import acting

pytestmark = pytest.mark.django_db


def refund(world, top_up, amount, key="one") -> CardRefund:
    return operations.ask_refund(
        actor=acting(top_up.organisation), top_up_id=top_up.pk, amount=amount, key=key, now=world.now
    )


def hold(buyer, amount, now):
    return place_hold(
        organisation=buyer, amount=amount, source="test", source_id="1", expires_at=None, now=now
    )


# Refunds


def test_a_refund_leaves_the_balance_when_it_is_asked_for(world, buyer):
    top_up = world.top_up(buyer)
    asked = refund(world, top_up, 30_000)
    assert balance_of(buyer) == Balances(available=70_000)
    world.sweep()
    world.hear(times=3, seed=1)
    asked.refresh_from_db()
    assert asked.status == CardRefund.Status.SUCCEEDED
    assert balance_of(buyer) == Balances(available=70_000)
    assert world.agrees_with_stripe()


def test_no_more_goes_back_than_came(world, buyer):
    top_up = world.top_up(buyer)
    refund(world, top_up, 60_000)
    with pytest.raises(BadAmount, match=r"¥400\.00"):
        refund(world, top_up, 40_001, "two")
    refund(world, top_up, 40_000, "two")
    with pytest.raises(BadAmount):
        refund(world, top_up, 1, "three")


def test_a_form_sent_twice_gives_back_once(world, buyer):
    top_up = world.top_up(buyer)
    assert refund(world, top_up, 30_000) == refund(world, top_up, 30_000)
    assert balance_of(buyer) == Balances(available=70_000)


def test_money_that_is_held_does_not_go_back(world, buyer):
    top_up = world.top_up(buyer)
    hold(buyer, 80_000, world.now)
    with pytest.raises(InsufficientFunds):
        refund(world, top_up, 30_000)
    assert not CardRefund.objects.exists()


def test_what_was_not_paid_cannot_go_back(world, buyer):
    started = world.start(buyer)
    with pytest.raises(NotRefundable):
        refund(world, started, 1)


def test_a_refund_that_fails_days_later_is_put_back_once(world, buyer):
    top_up = world.top_up(buyer)
    asked = refund(world, top_up, 30_000)
    world.sweep()
    asked.refresh_from_db()
    world.stripe.cards.fail_refund(asked.refund_id)
    world.hear(times=3, seed=2)
    asked.refresh_from_db()
    top_up.refresh_from_db()
    assert (asked.status, top_up.refundable) == (CardRefund.Status.FAILED, 100_000)
    assert balance_of(buyer) == Balances(available=100_000)
    assert world.agrees_with_stripe()


def test_a_refund_that_stripe_refuses_is_put_back(world, buyer):
    top_up = world.top_up(buyer)
    world.stripe.cards.create_refund({"payment_intent": top_up.payment_intent_id, "amount": "90000"})
    asked = refund(world, top_up, 30_000)  # We have not heard of the other one yet.
    world.sweep()
    asked.refresh_from_db()
    assert asked.status == CardRefund.Status.FAILED
    assert "greater than" in asked.failure
    world.hear(times=2, seed=1)
    assert balance_of(buyer) == Balances(available=10_000)
    assert world.agrees_with_stripe()


def test_a_refund_made_on_stripes_pages_is_booked_and_what_is_spent_is_owed(world, buyer):
    top_up = world.top_up(buyer)
    hold(buyer, 80_000, world.now)
    world.stripe.cards.create_refund({"payment_intent": top_up.payment_intent_id, "amount": "50000"})
    world.hear(times=3, seed=4)
    assert balance_of(buyer) == Balances(held=80_000, arrears=-30_000)
    assert world.agrees_with_stripe()


def test_only_who_moves_money_asks_for_a_refund(world, buyer):
    top_up = world.top_up(buyer)
    with pytest.raises(NotAllowed):
        operations.ask_refund(
            actor=acting(buyer, Role.TRADER), top_up_id=top_up.pk, amount=1, key="r", now=world.now
        )


# Chargebacks


def test_a_chargeback_takes_unspent_money(world, buyer):
    top_up = world.top_up(buyer)
    world.stripe.cards.open_dispute(top_up.payment_intent_id)
    world.hear(times=3, seed=1)
    assert balance_of(buyer) == Balances()
    assert not arrears_of(buyer)
    assert world.fen(AccountKind.PROCESSING) < -1_500
    assert world.agrees_with_stripe()
    with pytest.raises(NotRefundable):
        refund(world, top_up, 1)


def test_what_is_spent_is_owed_and_trading_is_blocked_until_it_is_paid(world, buyer, fund):
    top_up = world.top_up(buyer)
    hold(buyer, 80_000, world.now)
    world.stripe.cards.open_dispute(top_up.payment_intent_id)
    world.hear(times=3, seed=2)
    assert balance_of(buyer) == Balances(held=80_000, arrears=-80_000)
    assert arrears_of(buyer)
    with pytest.raises(InArrears, match=r"¥800\.00"):
        buyer_of(acting(buyer), permission=Permission.TRADE, now=world.now)
    letters = OutgoingEmail.objects.filter(subject__contains="contested")
    assert [letter.to for letter in letters] == [acting(buyer).user.email]
    assert "¥800.00" in letters[0].text

    world.top_up(buyer, 50_000)
    assert balance_of(buyer) == Balances(held=80_000, arrears=-30_000)
    world.top_up(buyer, 50_000)
    assert balance_of(buyer) == Balances(available=20_000, held=80_000)
    assert buyer_of(acting(buyer), permission=Permission.TRADE, now=world.now) == buyer
    assert world.agrees_with_stripe()
    assert list(differences()) == []


def test_a_bank_transfer_pays_arrears_first(world, buyer, operator):
    top_up = world.top_up(buyer)
    hold(buyer, 100_000, world.now)
    world.stripe.cards.open_dispute(top_up.payment_intent_id)
    world.hear()
    code = operations.top_up_reference(buyer)
    lines = f"serial,date,amount,payer,remark\n1,2026-06-01,700,A,{code}\n2,2026-06-01,400,A,?\n"
    operations.import_bank_lines(actor=Actor(user=operator), csv_text=lines, now=world.now)
    assert balance_of(buyer) == Balances(held=100_000, arrears=-30_000)
    operations.assign_bank_line(
        actor=Actor(user=operator),
        bank_line_id=BankLine.objects.get(serial="2").pk,
        organisation=buyer,
        now=world.now,
    )
    assert balance_of(buyer) == Balances(available=10_000, held=100_000)


def test_a_hold_given_back_pays_arrears_at_the_next_collection(world, buyer):
    top_up = world.top_up(buyer)
    placed = hold(buyer, 100_000, world.now)
    world.stripe.cards.open_dispute(top_up.payment_intent_id)
    world.hear()
    void_hold(hold_id=placed.pk, now=world.now)
    assert operations.collect_arrears(now=world.now) == 100_000
    assert operations.collect_arrears(now=world.now) == 0
    assert balance_of(buyer) == Balances()


def test_a_chargeback_that_is_won_pays_arrears_first(world, buyer):
    top_up = world.top_up(buyer)
    hold(buyer, 80_000, world.now)
    dispute = world.stripe.cards.open_dispute(top_up.payment_intent_id)
    world.hear()
    world.stripe.cards.win_dispute(dispute["id"])
    world.hear(times=3, seed=3)
    assert balance_of(buyer) == Balances(available=20_000, held=80_000)
    assert Chargeback.objects.get().status == Chargeback.Status.WON
    assert not arrears_of(buyer)
    assert world.agrees_with_stripe()


def test_a_chargeback_that_is_lost_stays_taken(world, buyer):
    top_up = world.top_up(buyer)
    dispute = world.stripe.cards.open_dispute(top_up.payment_intent_id, amount=40_000)
    world.stripe.cards.lose_dispute(dispute["id"])
    world.hear(times=3, seed=3)
    assert balance_of(buyer) == Balances(available=60_000)
    assert Chargeback.objects.get().status == Chargeback.Status.LOST
    assert world.agrees_with_stripe()


def test_an_inquiry_takes_nothing(world, buyer):
    top_up = world.top_up(buyer)
    dispute = world.stripe.cards.open_dispute(top_up.payment_intent_id, inquiry=True)
    world.stripe.cards.lose_dispute(dispute["id"])
    world.hear(times=2, seed=1)
    assert balance_of(buyer) == Balances(available=100_000)
    assert Chargeback.objects.get().status == Chargeback.Status.WARNING_CLOSED


def test_a_chargeback_heard_of_before_its_payment_is_the_same(world, buyer):
    started = world.start(buyer)
    world.stripe.cards.complete(started.session_id)
    session = world.stripe.books.get("checkout.session", started.session_id)
    world.stripe.cards.open_dispute(session["payment_intent"])
    events = world.stripe.fresh_events()
    world.stripe.deliver(world.webhook, [e for e in events if e["type"].startswith("charge.dispute")])
    world.sweep()
    world.stripe.deliver(world.webhook, events)
    world.sweep()
    assert balance_of(buyer) == Balances()
    kinds = Transfer.objects.exclude(kind=TransferKind.PROCESSING_COST).order_by("pk")
    assert list(kinds.values_list("kind", flat=True)) == ["top_up", "chargeback"]


def test_should_a_chargeback_forget_that_it_took_the_ledger_still_refuses_to_take_twice(world, buyer):
    top_up = world.top_up(buyer)
    dispute = world.stripe.cards.open_dispute(top_up.payment_intent_id)
    world.hear()
    Chargeback.objects.update(taken=None)
    with pytest.raises(KeyUsedForAnotherBody):
        sync_chargeback(dispute["id"], "", world.now)
    assert balance_of(buyer) == Balances()
