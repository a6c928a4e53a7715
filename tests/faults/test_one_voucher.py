"""Twenty orders at once on one voucher: never over its limit, and nothing left that could be used."""

import time
from functools import partial

import pytest

from settlement.ledger.check import differences
from settlement.vouchers.errors import VoucherRefused
from settlement.vouchers.models.voucher import VoucherQuerySet
from settlement.vouchers.operations import use
from settlement.vouchers.queries import figures_by_voucher, left_of
from settlement.vouchers.report import report_of
from tests.factories import vouchers
from tests.factories.listings import PoolFactory
from tests.factories.trading import actor_of, bid, funded_buyer
from tests.faults.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = 20
EACH = 12_000  # Half of what one bid costs at most.


@pytest.fixture
def voucher():
    """Good for four bids and a half."""
    PoolFactory()
    firm = funded_buyer(1_000_000)
    actor_of(firm)
    return vouchers.voucher(firm, amount=4 * EACH + EACH // 2)


@pytest.fixture
def slow_reader(monkeypatch):
    """A moment between reading what is left and using it."""

    def slowly(voucher):
        left = left_of(voucher)
        time.sleep(0.05)
        return left

    monkeypatch.setattr(use, "left_of", slowly)


def bids_placed(voucher) -> int:
    acts = [partial(bid, voucher.organisation, voucher_id=voucher.pk)] * ORDERS
    return at_once(acts, refusals=(VoucherRefused,)).count(None)


def test_the_limit_holds(voucher, slow_reader):
    assert bids_placed(voucher) == 5
    assert figures_by_voucher([voucher])[voucher.pk].used == voucher.amount
    assert report_of(voucher.programme).difference == 0
    assert list(differences()) == []


def test_without_the_lock_it_does_not(voucher, slow_reader, monkeypatch):
    monkeypatch.setattr(VoucherQuerySet, "select_for_update", lambda self, **_: self)
    bids_placed(voucher)
    assert figures_by_voucher([voucher])[voucher.pk].used > voucher.amount
