"""The demo's agent meters what is over, once, and a contract so metered is paid to its end."""

import datetime

import pytest

from marketplace.demo.agent import report_closed_hours
from settlement.contracts.models import Contract
from settlement.contracts.operations import open_contracts
from settlement.delivery.operations import release
from settlement.delivery.queries import state_of
from tests.factories.listings import PoolFactory
from tests.factories.settlement import HOUR, acting, compute_draft

pytestmark = pytest.mark.django_db

START = datetime.datetime(2026, 6, 1, 5, 0, tzinfo=datetime.UTC)


def test_the_agent_meters_every_hour_once(buyer, provider, fund, now):
    acting(provider)
    fund(buyer, 6200)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=now)
    [contract] = open_contracts(drafts=[draft], now=now)
    assert report_closed_hours(now=START - HOUR) == 0
    assert [report_closed_hours(now=START + HOUR) for _ in range(2)] == [1, 0]
    assert state_of(contract) == "active"
    assert report_closed_hours(now=START + 3 * HOUR) == 2
    assert release(now=START + 3 * HOUR) == 3
    contract.refresh_from_db()
    assert (state_of(contract), contract.status) == ("ended", Contract.Status.COMPLETED)
