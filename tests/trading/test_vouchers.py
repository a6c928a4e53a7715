"""An order is paid in part by a voucher: within its rules and its limit, and never for an affiliate."""

import datetime

import pytest

from accounts.audit import Actor
from accounts.models import Member, Organisation, Role
from marketplace.trading.errors import NoEligiblePool
from marketplace.trading.models import Order, RoundOrder
from marketplace.trading.operations.cancel_order import cancel_order
from marketplace.trading.operations.expire_orders import expire_orders
from settlement.contracts.models import Contract
from settlement.delivery.operations import Reading, release, report_usage
from settlement.ledger.check import differences
from settlement.ledger.errors import InsufficientFunds
from settlement.ledger.queries import Balances, balance_of
from settlement.vouchers.errors import VoucherRefused
from settlement.vouchers.models import VoucherUse
from settlement.vouchers.operations import close_programme, decide_affiliation, declare_affiliation, revoke
from settlement.vouchers.queries import Figures, figures_of, left_of, usable_vouchers, uses_of
from settlement.vouchers.report import report_of
from tests.factories import vouchers
from tests.factories.accounts import NOW
from tests.factories.listings import (
    AcceleratorFactory,
    CapacityFactory,
    LicencePlanFactory,
    PoolFactory,
    hour,
)
from tests.factories.settlement import acting, meter
from tests.factories.trading import bid, cleared_round, funded_buyer, licence_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm() -> Organisation:
    return funded_buyer(100_000)


@pytest.fixture
def capacity():
    return CapacityFactory()


def figures(voucher) -> Figures:
    return sum((figures_of(use) for use in uses_of([voucher])), Figures())


def test_the_ratio_of_the_most_it_can_cost_is_held_from_the_programme(firm, capacity):
    voucher = vouchers.voucher(firm)
    order = bid(firm, voucher_id=voucher.pk)
    assert (order.hold.amount, order.hold.funded) == (24_000, 12_000)
    assert balance_of(firm) == Balances(available=88_000, held=24_000)
    voucher.programme.account.refresh_from_db()
    assert voucher.programme.account.balance == 1_000_000 - 12_000
    assert figures(voucher) == Figures(reserved=12_000)
    assert left_of(voucher) == 88_000
    assert order.expires_at == hour(9)


def test_a_start_up_has_its_own_ratio(capacity):
    firm = funded_buyer(100_000)
    Organisation.objects.filter(pk=firm.pk).update(tier="start_up")
    firm.refresh_from_db()
    assert bid(firm, voucher_id=vouchers.voucher(firm).pk).hold.funded == 14_400


def test_what_is_left_of_the_voucher_bounds_its_part(firm, capacity):
    voucher = vouchers.voucher(firm, amount=15_000)
    assert [bid(firm, voucher_id=voucher.pk).hold.funded for _ in range(2)] == [12_000, 3_000]
    with pytest.raises(VoucherRefused, match="Nothing of this voucher is left"):
        bid(firm, voucher_id=voucher.pk)
    assert usable_vouchers(firm, now=NOW) == []


def test_the_firm_pays_its_own_part_or_nothing_is_placed(capacity):
    poor = funded_buyer(11_999)
    voucher = vouchers.voucher(poor)
    with pytest.raises(InsufficientFunds, match=r"available balance is ¥0\.01 short"):
        bid(poor, voucher_id=voucher.pk)
    assert not Order.objects.exists()
    assert figures(voucher) == Figures()


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_an_order_that_ends_unfilled_gives_the_programme_its_part_back(firm, capacity, end):
    voucher = vouchers.voucher(firm)
    order = bid(firm, voucher_id=voucher.pk)
    if end == "cancel":
        cancel_order(actor=acting(firm, Role.TRADER), order_id=order.pk, now=NOW)
    else:
        assert expire_orders(now=order.expires_at) == 1
    assert balance_of(firm) == Balances(available=100_000)
    assert figures(voucher) == Figures(returned=12_000)
    assert left_of(voucher) == voucher.amount
    assert report_of(voucher.programme).difference == 0


def test_the_orders_own_terms_keep_it_to_what_the_programme_pays_for(firm):
    domestic, foreign = AcceleratorFactory(domestic=True), AcceleratorFactory(domestic=False)
    for accelerator in (domestic, foreign):
        PoolFactory(accelerator=accelerator)
    voucher = vouchers.voucher(firm, vouchers.programme(domestic_only=True))
    for terms in ({}, {"accelerators": {domestic.pk: None, foreign.pk: None}}):
        with pytest.raises(VoucherRefused, match="ask for domestic accelerators only"):
            bid(firm, voucher_id=voucher.pk, **terms)
    bid(firm, voucher_id=voucher.pk, domestic_only=True)
    bid(firm, voucher_id=voucher.pk, accelerators={domestic.pk: None})


def test_a_programmes_list_of_accelerators_bounds_the_bids(firm):
    named, other = PoolFactory().accelerator, PoolFactory().accelerator
    voucher = vouchers.voucher(firm, vouchers.programme(accelerators=[named.pk]))
    for terms in ({}, {"accelerators": {named.pk: None, other.pk: None}}):
        with pytest.raises(VoucherRefused, match=f"accept no others: {named}"):
            bid(firm, voucher_id=voucher.pk, **terms)
    bid(firm, voucher_id=voucher.pk, accelerators={named.pk: None})


def test_hours_after_the_period_are_not_paid_for(firm, capacity):
    programme = vouchers.programme(ends_at=hour(11))
    voucher = vouchers.voucher(firm, programme)
    with pytest.raises(VoucherRefused, match="let the window end by then"):
        bid(firm, voucher_id=voucher.pk)
    assert bid(firm, voucher_id=voucher.pk, window_end=hour(11)).expires_at == hour(8)


def test_a_kind_that_the_programme_does_not_pay_for_is_refused(firm, capacity):
    compute_only = vouchers.voucher(firm, vouchers.programme(kinds=("compute",)))
    with pytest.raises(VoucherRefused, match="does not pay for this: Licence"):
        licence_order(LicencePlanFactory(price=1000), firm, voucher_id=compute_only.pk)
    licences_only = vouchers.voucher(firm, vouchers.programme(kinds=("licence",)))
    with pytest.raises(VoucherRefused, match="does not pay for this: Compute"):
        bid(firm, voucher_id=licences_only.pk)


def test_a_voucher_that_does_not_stand_pays_nothing(firm, capacity):
    voucher = vouchers.voucher(firm)
    other = funded_buyer(100_000)
    with pytest.raises(VoucherRefused, match="has no voucher"):
        bid(other, voucher_id=voucher.pk)
    with pytest.raises(VoucherRefused, match="has expired"):
        bid(firm, now=voucher.expires_at, voucher_id=voucher.pk, **_window(voucher.expires_at))
    Organisation.objects.filter(pk=firm.pk).update(tier="leading")
    firm.refresh_from_db()
    with pytest.raises(VoucherRefused, match="not for this type of enterprise"):
        bid(firm, voucher_id=voucher.pk)
    Organisation.objects.filter(pk=firm.pk).update(tier="specialised")
    firm.refresh_from_db()
    revoke(actor=acting(voucher.programme.issuer), voucher_id=voucher.pk, reasons="Misused.", now=NOW)
    with pytest.raises(VoucherRefused, match="was revoked"):
        bid(firm, voucher_id=voucher.pk)


def _window(now):
    return {
        "window_start": now + datetime.timedelta(hours=1),
        "window_end": now + datetime.timedelta(hours=12),
    }


def test_a_closed_programme_pays_for_no_new_order_and_goes_on_with_the_old(firm, capacity):
    voucher = vouchers.voucher(firm)
    order = bid(firm, voucher_id=voucher.pk)
    close_programme(actor=acting(voucher.programme.issuer), programme_id=voucher.programme_id, now=NOW)
    assert balance_of(voucher.programme.issuer).available == 1_000_000 - 12_000
    with pytest.raises(VoucherRefused, match="pays for no orders now"):
        bid(firm, voucher_id=voucher.pk)
    cleared_round()
    contract = Contract.objects.get(hold=order.hold)
    assert contract.funded == contract.total // 2


def test_no_voucher_pays_an_affiliate_even_one_declared_after_the_order(firm, capacity, operator):
    provider = capacity.pool.facility.provider
    voucher = vouchers.voucher(firm)
    order = bid(firm, voucher_id=voucher.pk)
    affiliation = declare_affiliation(
        actor=acting(provider), other=firm, statement="Both are of one group.", now=NOW
    )
    with pytest.raises(NoEligiblePool, match="your affiliates'"):
        bid(firm, voucher_id=voucher.pk)
    cleared_round()
    assert order.round_orders.get().outcome == RoundOrder.Outcome.NO_CAPACITY
    decide_affiliation(
        actor=Actor(user=operator),
        affiliation_id=affiliation.pk,
        stands=False,
        reasons="Sold in May.",
        now=NOW,
    )
    cleared_round()
    order.refresh_from_db()
    assert order.status == Order.Status.FILLED


def test_an_owner_in_common_makes_affiliates(firm, capacity):
    voucher = vouchers.voucher(firm)
    shared = acting(firm).user
    Member.objects.create(
        organisation=capacity.pool.facility.provider, user=shared, role=Role.OWNER, joined_at=NOW
    )
    with pytest.raises(NoEligiblePool, match="affiliates"):
        bid(firm, voucher_id=voucher.pk)
    bid(firm)  # Without a voucher it is nobody's business.


@pytest.mark.parametrize("supply", [None, 10])
def test_a_licence_of_an_affiliate_is_not_paid_for(firm, supply):
    plan = LicencePlanFactory(price=1000, supply=supply)
    voucher = vouchers.voucher(firm)
    order = licence_order(plan, firm, voucher_id=voucher.pk)
    assert order.hold.funded == 1000
    declare_affiliation(
        actor=acting(firm), other=plan.algorithm.publisher, statement="A subsidiary.", now=NOW
    )
    with pytest.raises(VoucherRefused, match="does not pay an affiliate"):
        licence_order(plan, firm, voucher_id=voucher.pk)
    cleared_round()
    order.refresh_from_db()
    assert order.status == Order.Status.RESTING


def test_from_the_budget_to_the_report(firm, capacity):
    """A bid that clears below its limit; one hour delivered, one short, one that nobody meters."""
    programme = vouchers.programme()
    voucher = vouchers.voucher(firm, programme)
    order = bid(firm, voucher_id=voucher.pk)
    cleared_round()
    contract = Contract.objects.get(hold=order.hold)
    assert (contract.total, contract.funded) == (4 * 3 * 1200, 7_200)
    assert figures(voucher) == Figures(reserved=7_200, returned=4_800)
    start = contract.starts_at
    meter(contract, now=start + datetime.timedelta(hours=1))
    release(now=start + datetime.timedelta(hours=1))
    assert figures(voucher) == Figures(reserved=4_800, redeemed=2_400, returned=4_800)
    short = Reading(contract.pk, start + datetime.timedelta(hours=1), 4 * 3600 * 985 // 1000, "agent", 0)
    report_usage(actor=acting(contract.provider), readings=[short], now=start + datetime.timedelta(hours=2))
    release(now=start + datetime.timedelta(hours=2))
    credit = 4_800 * 30 // 100
    assert figures(voucher) == Figures(2_400, 4_800 - credit // 2, 4_800 + credit // 2)
    release(now=start + datetime.timedelta(days=9))
    contract.refresh_from_db()
    assert contract.status == Contract.Status.COMPLETED
    done = report_of(programme)
    assert done.figures == Figures(0, 4_800 - credit // 2, 4_800 + 2_400 + credit // 2)
    assert (done.difference, done.balance) == (0, 1_000_000 - done.figures.redeemed)
    assert (done.applications["approved"], done.vouchers, done.approved) == (1, 1, 100_000)
    assert [line.name for line in done.by_firm] == [firm.name_en]
    assert [line.figures.redeemed for line in done.by_facility] == [done.figures.redeemed]
    assert done.domestic_share == 0
    assert balance_of(firm).available == 100_000 - (14_400 - 7_200) + (credit + 4_800) // 2
    assert list(differences()) == []


def test_one_hold_has_one_voucher(firm, capacity):
    voucher = vouchers.voucher(firm)
    use = VoucherUse.objects.get(hold=bid(firm, voucher_id=voucher.pk).hold)
    use.pk = None
    with pytest.raises(Exception, match="hold_id"):
        use.save(force_insert=True)
