"""Licence orders: at the posted price where supply is unlimited, at one price for all where it is not."""

import datetime

import pytest

from accounts.errors import InvalidInput
from listings.models import LicencePlan
from marketplace.trading.errors import NotOnSale
from marketplace.trading.models import Order, Trade
from marketplace.trading.queries.market import plan_price
from settlement.contracts.models import Contract
from settlement.delivery.operations import release
from settlement.ledger.queries import Balances, balance_of
from settlement.licences.keys import facts_of
from settlement.licences.models import Licence, Standing
from settlement.licences.operations import issue_licences
from tests.factories.accounts import NOW
from tests.factories.listings import AlgorithmVersionFactory, LicencePlanFactory
from tests.factories.trading import cleared_round, fund, funded_buyer, licence_order

pytestmark = pytest.mark.django_db


def test_unlimited_supply_sells_at_the_posted_price():
    plan = LicencePlanFactory(price=1000, kind=LicencePlan.Kind.TERM, term_days=30)
    buyer = funded_buyer(6_000)
    order = licence_order(plan, buyer, seats=3, limit_price=2000)
    assert balance_of(buyer) == Balances(held=6_000)
    cleared_round()
    trade = Trade.objects.get()
    assert (trade.order, trade.plan, trade.quantity, trade.total) == (order, plan, 3, 3_000)
    assert trade.provider == plan.algorithm.publisher
    assert (trade.starts_at, trade.ends_at) == (NOW, NOW + datetime.timedelta(days=30))
    contract = Contract.objects.get()
    assert (contract.kind, contract.total, contract.plan) == (Contract.Kind.LICENCE, 3_000, plan)
    assert balance_of(buyer) == Balances(available=3_000, escrow=3_000)
    plan.refresh_from_db()
    assert plan.sold == 3


def test_a_settled_round_issues_licences():
    plan = LicencePlanFactory(price=1000, kind=LicencePlan.Kind.TERM, term_days=30, binding="node_locked")
    version = AlgorithmVersionFactory(algorithm=plan.algorithm)
    buyer = funded_buyer()
    licence_order(plan, buyer, seats=3)
    cleared_round()
    assert issue_licences(now=NOW) == 1
    licence = Licence.objects.get()
    assert (licence.licensee, licence.seats, licence.binding) == (buyer, 3, "node_locked")
    assert licence.expires_at == Contract.objects.get().ends_at
    assert facts_of(licence.key)["version"]["sha256"] == version.sha256
    release(now=Contract.objects.get().acceptance_ends_at)
    assert Contract.objects.get().status == Contract.Status.COMPLETED
    assert licence.standing(now=NOW) == Standing.ACTIVE, "a contract that was paid for is no end"


def test_limited_supply_goes_to_the_highest_limits_at_one_price():
    plan = LicencePlanFactory(price=1000, supply=5)
    orders = [licence_order(plan, seats=2, limit_price=limit) for limit in (3000, 1500, 2000)]
    cleared_round()
    assert {trade.order for trade in Trade.objects.all()} == {orders[0], orders[2]}
    [price] = {trade.prices[0] for trade in Trade.objects.all()}
    assert 1000 <= price <= 2000
    plan.refresh_from_db()
    assert plan.sold == 4
    assert plan_price(plan) == price


def test_seats_run_out_and_never_oversell():
    plan = LicencePlanFactory(price=1000, supply=3)
    for _ in range(3):
        licence_order(plan, seats=2, minimum=1, limit_price=2000)
    cleared_round()
    plan.refresh_from_db()
    assert plan.sold == 3
    assert sum(Trade.objects.values_list("quantity", flat=True)) == 3
    late = licence_order(plan, seats=1, limit_price=9000)
    cleared_round()
    late.refresh_from_db()
    assert late.status == Order.Status.RESTING


def test_the_price_is_the_one_posted_at_the_gate_or_less_than_the_limit():
    plan = LicencePlanFactory(price=1000)
    order = licence_order(plan, limit_price=1000)
    LicencePlan.objects.filter(pk=plan.pk).update(price=1100)
    cleared_round()
    order.refresh_from_db()
    assert order.status == Order.Status.RESTING


def test_a_withdrawn_plan_cannot_be_ordered_and_sells_no_more(buyer):
    plan = LicencePlanFactory()
    resting = licence_order(plan)
    LicencePlan.objects.filter(pk=plan.pk).update(status=LicencePlan.Status.WITHDRAWN)
    with pytest.raises(NotOnSale):
        licence_order(plan)
    cleared_round()
    resting.refresh_from_db()
    assert resting.status == Order.Status.RESTING


def test_nobody_licences_from_oneself():
    plan = LicencePlanFactory()
    fund(plan.algorithm.publisher, 10_000_000)
    with pytest.raises(NotOnSale):
        licence_order(plan, plan.algorithm.publisher)


@pytest.mark.parametrize(
    ("changes", "says"), [({"seats": 0}, "seats"), ({"minimum": 3}, "minimum"), ({"limit_price": 0}, "limit")]
)
def test_terms_that_make_no_sense_say_what_to_change(changes, says):
    with pytest.raises(InvalidInput, match=says):
        licence_order(LicencePlanFactory(), **changes)
