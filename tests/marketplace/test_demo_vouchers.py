"""The demo's bureau opens one programme, and firms of its tiers pay bids with their vouchers."""

import pytest

from accounts.audit import Actor
from accounts.models import Organisation
from marketplace.demo.vouchers import BUDGET, RATIOS, ensure_programme, voucher_for
from settlement.vouchers.models import Application, Programme, Voucher
from settlement.vouchers.operations import close_programme
from tests.factories.accounts import OrganisationFactory
from tests.factories.listings import AcceleratorFactory, CapacityFactory
from tests.factories.settlement import acting, fund
from tests.factories.trading import bid, cleared_round, funded_buyer
from tests.factories.vouchers import application, programme

pytestmark = pytest.mark.django_db


def test_it_may_run_twice_and_its_vouchers_pay(operator, now):
    bureau = OrganisationFactory()
    fund(bureau, BUDGET)
    firms = [funded_buyer(50_000_000) for _ in Organisation.Tier]
    for firm, tier in zip(firms, Organisation.Tier, strict=True):
        firm.tier = tier
        firm.save()
    for _ in range(2):
        ensure_programme(
            issuer=acting(bureau),
            operator=Actor(user=operator),
            firms=[acting(firm) for firm in firms],
            now=now,
        )
    assert Programme.objects.get().domestic_only
    assert Voucher.objects.count() == len(RATIOS)
    CapacityFactory(pool__accelerator=AcceleratorFactory(domestic=True))
    paid = voucher_for(firms[0], most=24_000, now=now)
    order = bid(firms[0], voucher_id=paid, domestic_only=True)
    cleared_round()
    order.refresh_from_db()
    assert order.trade.contract.funded == order.trade.total * 6 // 10
    assert voucher_for(firms[-1], most=24_000, now=now) is None


def test_it_leaves_what_the_issuers_visitor_does(operator, now):
    """A second programme, an application that waits there, and the demo's own programme closed."""
    bureau, firm = OrganisationFactory(), funded_buyer(50_000_000)
    firm.tier = Organisation.Tier.START_UP
    firm.save()
    fund(bureau, 2 * BUDGET)

    def again() -> None:
        ensure_programme(issuer=acting(bureau), operator=Actor(user=operator), firms=[acting(firm)], now=now)

    again()
    own = Programme.objects.get()
    waits = application(firm, programme(bureau))
    again()
    waits.refresh_from_db()
    assert waits.status == Application.Status.PENDING
    close_programme(actor=acting(bureau), programme_id=own.pk, now=now)
    again()
    assert Programme.objects.count() == 2
