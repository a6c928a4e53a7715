"""A licence accepted, disputed and swept at once: its price goes one way, whoever comes first."""

import datetime
import time
from collections.abc import Callable
from functools import partial

import pytest

from settlement.contracts.check import differences
from settlement.contracts.errors import AcceptanceRefused
from settlement.contracts.models import Contract
from settlement.contracts.models.contract import ContractQuerySet
from settlement.contracts.operations import open_contracts
from settlement.delivery.errors import DisputeRefused
from settlement.delivery.models import Dispute
from settlement.delivery.operations import accept_licence, dispute, open_dispute, release
from settlement.ledger.check import differences as differences_of_ledger
from settlement.ledger.queries import balance_of
from tests.factories.accounts import NOW
from tests.factories.listings import LicencePlanFactory
from tests.factories.settlement import acting, fund, licence_draft
from tests.faults.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

LICENCES, PRICE = 5, 1000
INSTANT = datetime.timedelta(microseconds=1)


@pytest.fixture
def licences(buyer, provider) -> list[Contract]:
    plan = LicencePlanFactory(price=PRICE, algorithm__publisher=provider)
    fund(buyer, LICENCES * PRICE)
    drafts = [licence_draft(buyer, plan, now=NOW, number=each, seats=1) for each in range(LICENCES)]
    acting(buyer)
    return open_contracts(drafts=drafts, now=NOW)


@pytest.fixture
def slow_claim(monkeypatch) -> None:
    """A moment between finding out what can be disputed and freezing it."""
    found = dispute._rest_of_licence

    def slowly(contract, now):
        worth = found(contract, now)
        time.sleep(0.2)
        return worth

    monkeypatch.setattr(dispute, "_rest_of_licence", slowly)


def accept(licence: Contract) -> Callable[[], object]:
    before = licence.acceptance_ends_at - INSTANT
    return partial(accept_licence, actor=acting(licence.buyer), contract_id=licence.pk, now=before)


def claim(licence: Contract) -> Callable[[], object]:
    return partial(
        open_dispute,
        actor=acting(licence.buyer),
        contract_id=licence.pk,
        text="It does not load.",
        amount=PRICE,
        now=licence.acceptance_ends_at - INSTANT,
    )


def pulled_at(licences: list[Contract]) -> None:
    sweep = partial(release, now=licences[0].acceptance_ends_at)
    acts = [sweep, sweep, *map(claim, licences), *map(accept, licences), *map(accept, licences)]
    at_once(acts, refusals=(AcceptanceRefused, DisputeRefused))


def frozen_and_paid() -> int:
    """Licences whose disputed price is not there any more."""
    return Dispute.objects.filter(contract__escrow__lt=PRICE).count()


def test_each_is_disputed_or_paid(licences, buyer, provider, slow_claim):
    pulled_at(licences)
    disputed = Dispute.objects.count()
    assert frozen_and_paid() == 0
    assert balance_of(buyer).escrow == disputed * PRICE
    assert balance_of(provider).receivable == (LICENCES - disputed) * (PRICE - 20)
    assert [*differences(), *differences_of_ledger()] == []


def test_without_the_lock_a_price_is_frozen_that_is_gone(licences, slow_claim, monkeypatch):
    monkeypatch.setattr(ContractQuerySet, "select_for_update", lambda self, **_: self)
    licence = licences[0]
    at_once([claim(licence), partial(release, now=licence.acceptance_ends_at)], refusals=(DisputeRefused,))
    assert frozen_and_paid() == 1
