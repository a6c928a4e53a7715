"""A bundle pulled at from several sides at once is whole afterwards."""

from collections.abc import Callable
from functools import partial

import pgtrigger
import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent
from marketplace.trading.errors import CannotCancel
from marketplace.trading.models import Order, RoundOrder
from marketplace.trading.operations.cancel_order import cancel_order
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.open_round import open_round
from settlement.ledger.check import differences
from settlement.ledger.queries import balance_of
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory, LicencePlanFactory
from tests.factories.trading import actor_of, bundle
from tests.faults.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
PAIRS = 8


@pytest.fixture
def pairs() -> list[tuple[Order, Order]]:
    CapacityFactory(units=50)
    plan = LicencePlanFactory()
    return [bundle(plan, quantity=1) for _ in range(PAIRS)]


def cancel(order: Order) -> Callable[[], object]:
    actor = actor_of(order.organisation)
    return partial(cancel_order, actor=actor, order_id=order.pk, now=NOW)


def test_both_halves_cancelled_at_once_are_cancelled_once(pairs):
    refused = at_once([cancel(half) for pair in pairs for half in pair], refusals=(CannotCancel,))
    assert sum(each is not None for each in refused) == PAIRS, "of each pair, one came second"
    assert set(Order.objects.values_list("status", flat=True)) == {Order.Status.CANCELLED}
    assert AuditEvent.objects.filter(verb="cancel").count() == 2 * PAIRS
    assert {balance_of(pair[0].organisation).held for pair in pairs} == {0}
    assert list(differences()) == []


def test_a_bundle_is_cancelled_or_past_the_gate_whole(pairs):
    close = partial(close_gate, round_id=open_round(now=NOW).pk, now=NOW)
    some = [pair[number % 2] for number, pair in enumerate(pairs)]
    acts = [*map(cancel, some[:4]), close, *map(cancel, some[4:])]
    at_once(acts, refusals=(CannotCancel,))
    in_round = set(RoundOrder.objects.values_list("order", flat=True))
    for pair in pairs:
        halves = Order.objects.filter(pk__in=[each.pk for each in pair])
        statuses = set(halves.values_list("status", flat=True))
        assert len(statuses) == 1
        assert {each.pk in in_round for each in pair} == {statuses == {Order.Status.CLEARING}}


def tear(order: Order) -> None:
    with transaction.atomic():
        Order.objects.filter(pk=order.pk).update(status=Order.Status.CANCELLED, ended_at=NOW)


def test_whoever_forgets_the_other_half_is_refused_when_it_commits(pairs):
    bid, licence_order = pairs[0]
    with pytest.raises(IntegrityError, match="not of one piece"):
        tear(bid)
    licence_order.refresh_from_db()
    assert licence_order.status == Order.Status.RESTING


def test_without_the_trigger_the_bundle_is_torn(pairs):
    bid, licence_order = pairs[0]
    with pgtrigger.ignore("trading.Order:bundles_stay_whole"):
        tear(bid)
    assert {each.status for each in Order.objects.filter(pk__in=[bid.pk, licence_order.pk])} == {
        Order.Status.CANCELLED,
        Order.Status.RESTING,
    }
