"""Many workers at Stripe's news at once: each movement is booked once, and nobody waits for ever."""

from functools import partial

import pytest

from settlement.ledger.check import differences
from settlement.ledger.models import AccountKind, Transfer, TransferKind
from settlement.ledger.queries import Balances, balance_of
from settlement.payments import operations
from settlement.payments.errors import BadAmount
from settlement.payments.models import CardRefund, StripeCall
from settlement.payments.operations.arrears import pay_arrears
from settlement.payments.operations.stripe_chargebacks import sync_chargeback
from settlement.payments.operations.stripe_payments import sync_payment
from tests.factories.accounts import OrganisationFactory
from tests.factories.settlement import acting, fund
from tests.faults.races import at_once
from tests.settlement.stripe_world import World, world

__all__ = ["world"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_payments_chargebacks_and_top_ups_at_once_are_booked_once_each_and_never_deadlock(world: World):
    acts = []
    buyers = OrganisationFactory.create_batch(3)
    for place, buyer in enumerate(buyers):
        started = world.start(buyer, 100_000)
        world.stripe.cards.complete(started.session_id or "")
        session = world.stripe.books.get("checkout.session", started.session_id or "")
        dispute = world.stripe.cards.open_dispute(session["payment_intent"], amount=60_000)
        if place:
            world.stripe.cards.win_dispute(dispute["id"])
        acts += [partial(sync_payment, session["payment_intent"], "", world.now)] * 3
        acts += [partial(sync_chargeback, dispute["id"], "", world.now)] * 3
        acts += [partial(fund, buyer, 1_000)] * 2
        acts += [partial(pay_arrears, organisation_ids=[buyer.pk], currency="CNY", now=world.now)] * 2

    at_once(acts)

    assert [balance_of(buyer).total for buyer in buyers] == [42_000, 102_000, 102_000]
    assert Transfer.objects.filter(kind=TransferKind.CHARGEBACK).count() == 3
    assert world.agrees_with_stripe()
    assert list(differences()) == []


def test_refunds_asked_for_at_once_give_back_no_more_than_came(world: World, buyer):
    top_up = world.top_up(buyer, 100_000)
    actor = acting(buyer)
    acts = [
        partial(
            operations.ask_refund,
            actor=actor,
            top_up_id=top_up.pk,
            amount=30_000,
            key=str(number),
            now=world.now,
        )
        for number in range(8)
    ]
    refusals = at_once(acts, refusals=(BadAmount,))
    assert refusals.count(None) == 3
    assert CardRefund.objects.count() == 3
    assert balance_of(buyer) == Balances(available=10_000)


def test_one_call_is_made_once_by_workers_who_come_at_once(world: World, buyer):
    top_up = world.top_up(buyer, 100_000)
    refund = operations.ask_refund(
        actor=acting(buyer), top_up_id=top_up.pk, amount=30_000, key="one", now=world.now
    )
    at_once([partial(operations.make_stripe_call, call_id=refund.call_id, now=world.now)] * 8)
    assert len(world.stripe.asked("/v1/refunds")) == 1
    assert StripeCall.objects.get(pk=refund.call_id).status == StripeCall.Status.ANSWERED
    assert world.agrees_with_stripe()
    assert world.fen(AccountKind.STRIPE) < 0
