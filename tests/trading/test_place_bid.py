"""Placing a bid holds the most it can cost, in one transaction, or changes nothing."""

import pytest

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import AuditEvent, Member, Organisation
from accounts.permissions import NotVerified
from listings.models import Pool
from marketplace.trading.errors import NoEligiblePool
from marketplace.trading.models import Order
from marketplace.trading.operations.place_bid import place_bid
from settlement.ledger.errors import InsufficientFunds
from settlement.ledger.queries import Balances, balance_of
from tests.factories.accounts import NOW
from tests.factories.listings import PoolFactory, hour
from tests.factories.trading import actor_of, fund, terms

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool() -> Pool:
    return PoolFactory()


@pytest.fixture
def actor(trader: Member) -> Actor:
    fund(trader.organisation, 100_000)
    return Actor(user=trader.user, organisation=trader.organisation)


def test_it_rests_with_the_most_it_can_cost_held(pool, actor, buyer):
    order = place_bid(actor=actor, terms=terms(), now=NOW)

    assert order.status == Order.Status.RESTING
    assert order.all_or_none
    assert balance_of(buyer) == Balances(available=76_000, held=24_000)  # 4 units x 3 hours x 20 CNY
    assert order.hold.amount == 24_000
    assert order.expires_at == hour(9)  # the last start that its window leaves
    event = AuditEvent.objects.get(verb="place")
    assert (event.user, event.subject_id) == (actor.user, order.pk)


def test_a_price_for_each_accelerator_holds_the_dearest(pool, actor, buyer):
    other = PoolFactory()
    accelerators = {pool.accelerator_id: 1500, other.accelerator_id: None}
    order = place_bid(actor=actor, terms=terms(accelerators=accelerators, limit_price=1000), now=NOW)

    limits = dict(order.limits.values_list("accelerator_id", "limit_price"))
    assert limits == {pool.accelerator_id: 1500, other.accelerator_id: 1000}
    assert balance_of(buyer).held == 4 * 3 * 1500


def test_without_the_money_nothing_is_left_behind(pool, actor, buyer):
    with pytest.raises(InsufficientFunds) as refusal:
        place_bid(actor=actor, terms=terms(limit_price=10_000), now=NOW)

    assert refusal.value.missing == 20_000
    assert not Order.objects.exists()
    assert balance_of(buyer) == Balances(available=100_000)


def test_only_a_verified_organisation_trades(pool, actor, buyer):
    buyer.verification = Organisation.Verification.PENDING
    buyer.save()
    with pytest.raises(NotVerified):
        place_bid(actor=Actor(user=actor.user, organisation=buyer), terms=terms(), now=NOW)


def test_a_teammate_without_the_role_and_a_stranger_may_not(pool, actor, viewer, stranger, buyer):
    for user in (viewer.user, stranger.user):
        with pytest.raises(NotAllowed):
            place_bid(actor=Actor(user=user, organisation=buyer), terms=terms(), now=NOW)
    assert not Order.objects.exists()


def test_a_provider_does_not_buy(pool, provider):
    with pytest.raises(NotAllowed, match="provider"):
        place_bid(actor=actor_of(provider), terms=terms(), now=NOW)


def test_nobody_buys_from_oneself(actor, buyer):
    pool = PoolFactory(facility__provider=buyer)
    with pytest.raises(NoEligiblePool):
        place_bid(actor=actor, terms=terms(accelerators={pool.accelerator_id: None}), now=NOW)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"quantity": 0}, "units"),
        ({"minimum": 5}, "minimum"),
        ({"hours": 0}, "hours"),
        ({"hours": 12}, "shorter"),
        ({"window_start": hour(1).replace(minute=30)}, "on the hour"),
        ({"window_start": hour(-9), "window_end": hour(3)}, "later"),
        ({"limit_price": None}, "limit price"),
        ({"limit_price": 0}, "limit price"),
        ({"limit_price": 10**9}, "limit price"),
        ({"accelerators": {10**6: None}}, "catalogue"),
    ],
)
def test_terms_that_make_no_sense_say_what_to_change(pool, actor, changes, says):
    with pytest.raises(InvalidInput, match=says):
        place_bid(actor=actor, terms=terms(**changes), now=NOW)
    assert not Order.objects.exists()


def test_a_requirement_that_no_pool_meets(pool, actor):
    with pytest.raises(NoEligiblePool):
        place_bid(actor=actor, terms=terms(domestic_only=True), now=NOW)


def test_it_may_expire_sooner_but_not_in_the_past(pool, actor):
    assert place_bid(actor=actor, terms=terms(), expires_at=hour(2), now=NOW).expires_at == hour(2)
    assert place_bid(actor=actor, terms=terms(), expires_at=hour(99), now=NOW).expires_at == hour(9)
    with pytest.raises(InvalidInput, match="expire"):
        place_bid(actor=actor, terms=terms(), expires_at=NOW, now=NOW)
