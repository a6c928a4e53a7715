"""Cancelling before the gate gives the money back; after it, the order is bound."""

import pytest

from accounts.audit import Actor
from accounts.errors import NotAllowed
from accounts.models import AuditEvent
from marketplace.trading.errors import CannotCancel
from marketplace.trading.models import Order
from marketplace.trading.operations.cancel_order import cancel_order
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.open_round import open_round
from settlement.ledger.queries import Balances, balance_of
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory
from tests.factories.trading import actor_of, bid, cleared_round, fund

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(buyer) -> Order:
    CapacityFactory()
    fund(buyer, 24_000)
    return bid(buyer)


def test_it_releases_what_was_held(order, buyer):
    cancelled = cancel_order(actor=actor_of(buyer), order_id=order.pk, now=NOW)

    assert (cancelled.status, cancelled.ended_at) == (Order.Status.CANCELLED, NOW)
    assert balance_of(buyer) == Balances(available=24_000)
    assert AuditEvent.objects.filter(verb="cancel", subject_id=order.pk).exists()


def test_twice_is_refused_and_releases_once(order, buyer):
    cancel_order(actor=actor_of(buyer), order_id=order.pk, now=NOW)
    with pytest.raises(CannotCancel, match="Cancelled"):
        cancel_order(actor=actor_of(buyer), order_id=order.pk, now=NOW)
    assert balance_of(buyer) == Balances(available=24_000)


def test_a_teammate_without_the_role_and_a_stranger_may_not(order, buyer, viewer, stranger):
    with pytest.raises(NotAllowed):
        cancel_order(actor=Actor(user=viewer.user, organisation=buyer), order_id=order.pk, now=NOW)
    stranger_actor = Actor(user=stranger.user, organisation=stranger.organisation)
    with pytest.raises(Order.DoesNotExist):
        cancel_order(actor=stranger_actor, order_id=order.pk, now=NOW)
    order.refresh_from_db()
    assert order.status == Order.Status.RESTING


def test_the_gate_binds_it(order, buyer):
    close_gate(round_id=open_round(now=NOW).pk, now=NOW)
    with pytest.raises(CannotCancel, match="gate"):
        cancel_order(actor=actor_of(buyer), order_id=order.pk, now=NOW)
    assert balance_of(buyer).held == 24_000


def test_what_traded_stays_traded(order, buyer):
    cleared_round()
    with pytest.raises(CannotCancel, match="Filled"):
        cancel_order(actor=actor_of(buyer), order_id=order.pk, now=NOW)
