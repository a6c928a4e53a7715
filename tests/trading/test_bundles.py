"""A bid and a licence order bundled: both fill in one round, or neither; they end together."""

import json
import random

import pgtrigger
import pytest
from django.db import IntegrityError, connection, transaction

from accounts.errors import DomainError
from accounts.models import AuditEvent
from listings.models import LicencePlan
from marketplace.clearing.verify import violations
from marketplace.trading.documents import content_of
from marketplace.trading.errors import CannotCancel
from marketplace.trading.models import Order, RoundOrder, Trade
from marketplace.trading.operations import close_gate as gate
from marketplace.trading.operations.cancel_order import cancel_order
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.expire_orders import expire_orders
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.place_bundle import place_bundle
from marketplace.trading.queries.explanations import explain
from settlement.ledger.check import differences
from settlement.ledger.errors import InsufficientFunds
from settlement.ledger.queries import Balances, balance_of
from tests.factories import vouchers
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory, LicencePlanFactory, hour
from tests.factories.trading import (
    actor_of,
    bid,
    bundle,
    cleared_round,
    funded_buyer,
    licence_order,
    terms,
)

pytestmark = pytest.mark.django_db
Outcome, Status = RoundOrder.Outcome, Order.Status
BOTH = pytest.mark.parametrize("supply", [None, 10], ids=["unlimited plan", "limited plan"])


def outcomes(*orders: Order) -> list[str]:
    return [explain(order).outcome or "" for order in orders]


def statuses(*orders: Order) -> set[str]:
    return set(Order.objects.filter(pk__in=[each.pk for each in orders]).values_list("status", flat=True))


@BOTH
def test_both_fill_and_their_contracts_name_each_other(supply):
    capacity = CapacityFactory(reserve_price=1000)
    plan = LicencePlanFactory(price=5000, supply=supply)
    buyer = funded_buyer(40_000)
    pair = bundle(plan, buyer)
    assert balance_of(buyer) == Balances(available=6_000, held=34_000), "4 x 3 x 2000 + 2 x 5000"
    done = cleared_round()
    assert statuses(*pair) == {Status.FILLED}
    compute, licence = (Trade.objects.get(order=order) for order in pair)
    assert (compute.pool, compute.total, licence.plan, licence.total) == (capacity.pool, 12_000, plan, 10_000)
    assert balance_of(buyer) == Balances(available=18_000, escrow=22_000)
    terms = [json.loads(each.contract.document)["bundle"] for each in (compute, licence)]
    assert [each["with"] for each in terms] == [[licence.contract.number], [compute.contract.number]]
    book, result = content_of(done.book), content_of(done.result)
    assert violations(book, result) == []
    assert book.get("bundles") == (None if supply is None else {"bid": [0], "with": [1]})


@BOTH
def test_neither_fills_where_the_bid_cannot(supply):
    CapacityFactory(reserve_price=2500)
    plan = LicencePlanFactory(price=5000, supply=supply)
    buyer = funded_buyer(40_000)
    pair = bundle(plan, buyer, seat_limit=6000)
    alone = licence_order(plan)
    cleared_round()
    assert outcomes(*pair, alone) == [Outcome.LIMIT_TOO_LOW, Outcome.OTHER_HALF, Outcome.FILLED]
    assert statuses(*pair) == {Status.RESTING}
    assert balance_of(buyer).held == 36_000
    said = [explain(order) for order in pair]
    assert str(pair[0]) in said[1].reason
    assert (
        said[1].remedy
        == said[0].remedy
        == ("A limit price higher by ¥5.00 per unit-hour would have reached it.")
    )


@BOTH
def test_neither_fills_where_the_licence_order_cannot(supply):
    CapacityFactory(reserve_price=1000)
    plan = LicencePlanFactory(price=5000, supply=supply)
    pair = bundle(plan, seat_limit=4000)
    alone = bid()
    cleared_round()
    assert outcomes(*pair, alone) == [Outcome.OTHER_HALF, Outcome.LIMIT_TOO_LOW, Outcome.FILLED]
    assert statuses(*pair) == {Status.RESTING}
    assert explain(pair[0]).remedy == "A limit price higher by ¥10.00 per seat would have reached it."


def test_neither_is_in_the_book_where_nothing_on_offer_can_hold_one_of_them():
    CapacityFactory()
    few_seats = bundle(LicencePlanFactory(supply=1), seats=2)
    too_many = bundle(LicencePlanFactory(supply=9), quantity=5000)
    too_many_of_unlimited = bundle(LicencePlanFactory(), quantity=5000)
    done = cleared_round()
    assert "bundles" not in content_of(done.book)
    assert content_of(done.book)["bids"]["quantity"] == []
    assert outcomes(*few_seats) == [Outcome.OTHER_HALF, Outcome.NO_CAPACITY]
    assert outcomes(*too_many, *too_many_of_unlimited) == [Outcome.NO_CAPACITY, Outcome.OTHER_HALF] * 2


def test_a_withdrawn_plan_keeps_the_bid_out_of_the_book():
    CapacityFactory()
    plan = LicencePlanFactory()
    pair = bundle(plan)
    LicencePlan.objects.filter(pk=plan.pk).update(status=LicencePlan.Status.WITHDRAWN)
    cleared_round()
    assert outcomes(*pair) == [Outcome.OTHER_HALF, Outcome.NO_CAPACITY]


def test_the_last_seats_decide_who_gets_the_hours():
    """The dearer bundle takes the only seat; the other's hours go to a bid that offers less for them."""
    CapacityFactory(reserve_price=1000, units=8)
    plan = LicencePlanFactory(price=5000, supply=1)
    loses = bundle(plan, seats=1, seat_limit=6000)
    wins = bundle(plan, seats=1, seat_limit=9000)
    cheap = bid(limit_price=1500)
    done = cleared_round()
    assert statuses(*wins, cheap) == {Status.FILLED}
    assert statuses(*loses) == {Status.RESTING}
    assert outcomes(*loses)[0] == Outcome.OTHER_HALF
    assert violations(content_of(done.book), content_of(done.result)) == []


def test_many_bundles_among_other_orders_break_no_promise():
    """Scarce hours and seats, some plans unlimited: every pair whole, every refusal explained."""
    rng = random.Random(7)
    for units in (8, 16):
        CapacityFactory(reserve_price=1000, units=units)
    plans = [LicencePlanFactory(price=5000, supply=supply) for supply in (None, 3, 9)]
    buyer = funded_buyer(100_000_000)
    pairs = [
        bundle(
            rng.choice(plans),
            buyer,
            seats=rng.randint(1, 3),
            seat_limit=rng.randint(4500, 9000),
            quantity=rng.randint(1, 6),
            limit_price=rng.randint(900, 3000),
        )
        for _ in range(30)
    ]
    for _ in range(10):
        bid(buyer, limit_price=rng.randint(900, 3000))
        licence_order(plans[1], buyer, seats=1, limit_price=rng.randint(4500, 9000))
    done = cleared_round()
    assert violations(content_of(done.book), content_of(done.result)) == []
    found = [tuple(outcomes(*pair)) for pair in pairs]
    assert {each.count(Outcome.FILLED) for each in found} == {0, 2}
    assert (Outcome.OTHER_HALF, Outcome.OTHER_HALF) not in found
    assert (Outcome.LIMIT_TOO_LOW, Outcome.OTHER_HALF) in found
    assert (Outcome.OTHER_HALF, Outcome.LIMIT_TOO_LOW) in found
    assert list(differences()) == []


def test_a_bundle_of_an_organisation_in_arrears_waits_whole(monkeypatch):
    CapacityFactory()
    buyer = funded_buyer()
    pair = bundle(LicencePlanFactory(), buyer)
    monkeypatch.setattr(gate, "organisations_in_arrears", lambda: {buyer.pk})
    cleared_round()
    assert not RoundOrder.objects.filter(order__in=pair).exists()
    assert statuses(*pair) == {Status.RESTING}


def test_the_voucher_of_one_half_keeps_the_bundle_no_longer_than_itself():
    CapacityFactory()
    firm = funded_buyer(100_000)
    voucher = vouchers.voucher(firm, vouchers.programme(ends_at=hour(2)))
    pair = place_bundle(
        actor=actor_of(firm),
        terms=terms(),
        plan=LicencePlanFactory(price=5000),
        seats=1,
        seat_limit=5000,
        licence_voucher_id=voucher.pk,
        now=NOW,
    )
    assert [each.hold.funded for each in pair] == [0, 2_500]
    assert [each.expires_at for each in pair] == [hour(2), hour(2)]


def test_a_bundle_that_waits_for_its_window_takes_part_with_both_halves_later(settings):
    settings.HORIZON_SLOTS = 24
    CapacityFactory(ends_at=hour(60))
    pair = bundle(LicencePlanFactory(), window_start=hour(30), window_end=hour(40))
    cleared_round()
    assert not RoundOrder.objects.filter(order__in=pair).exists()
    cleared_round(now=hour(20))
    assert statuses(*pair) == {Status.FILLED}


@pytest.mark.parametrize("half", [0, 1])
def test_cancelling_one_cancels_both_and_gives_all_money_back(half):
    CapacityFactory()
    buyer = funded_buyer(50_000)
    pair = bundle(LicencePlanFactory(price=5000), buyer)
    cancelled = cancel_order(actor=actor_of(buyer), order_id=pair[half].pk, now=NOW)
    assert (cancelled.pk, cancelled.status) == (pair[half].pk, Status.CANCELLED)
    assert statuses(*pair) == {Status.CANCELLED}
    assert balance_of(buyer) == Balances(available=50_000)
    assert AuditEvent.objects.filter(verb="cancel", organisation=buyer).count() == 2


def test_neither_is_cancelled_past_the_gate():
    CapacityFactory()
    buyer = funded_buyer()
    pair = bundle(LicencePlanFactory(), buyer)
    close_gate(round_id=open_round(now=NOW).pk, now=NOW)
    with pytest.raises(CannotCancel):
        cancel_order(actor=actor_of(buyer), order_id=pair[1].pk, now=NOW)
    assert statuses(*pair) == {Status.CLEARING}


def test_both_expire_with_the_first(settings):
    settings.ROUND_LEAD_HOURS = 2
    CapacityFactory()
    buyer = funded_buyer(50_000)
    pair = bundle(LicencePlanFactory(price=5000), buyer, window_end=hour(9))
    assert [each.expires_at for each in pair] == [hour(6), hour(6)], "the bid's last start, not 14 days"
    assert expire_orders(now=hour(3)) == 0
    # The first slot still sold is now the seventh hour: the bid's window holds no start any more.
    assert expire_orders(now=hour(4)) == 2
    assert statuses(*pair) == {Status.EXPIRED}
    assert balance_of(buyer) == Balances(available=50_000)


def test_money_for_one_of_them_alone_places_neither():
    CapacityFactory()
    buyer = funded_buyer(30_000)
    with pytest.raises(InsufficientFunds):
        bundle(LicencePlanFactory(price=5000), buyer)
    assert not Order.objects.exists()
    assert balance_of(buyer) == Balances(available=30_000)


def test_a_plan_that_is_not_on_sale_places_neither():
    CapacityFactory()
    with pytest.raises(DomainError):
        bundle(LicencePlanFactory(status=LicencePlan.Status.WITHDRAWN))
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"status": Status.CANCELLED, "ended_at": NOW},
        {"expires_at": hour(1)},
        {"status": Status.FILLED, "ended_at": NOW, "filled_quantity": 4},
    ],
)
def test_the_database_refuses_a_bundle_torn_apart(change):
    CapacityFactory()
    taken, other = bundle(LicencePlanFactory())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    torn = Order.objects.filter(pk=taken.pk)
    with pytest.raises(IntegrityError, match="not of one piece"), transaction.atomic():
        torn.update(**change)
    with pgtrigger.ignore("trading.Order:bundles_stay_whole"):
        assert torn.update(**change) == 1, "nothing but the trigger refuses it"
    assert statuses(taken, other) == {Status.RESTING, change.get("status", Status.RESTING)}
