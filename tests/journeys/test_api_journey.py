"""A provider's and a buyer's programs meet over HTTP alone: from a listing to a contract and its money."""

import datetime
import uuid
from typing import Any

import pytest
import requests
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import Organisation, Role, Scope
from accounts.operations import create_api_key
from listings.slots import SLOT, slot_of
from marketplace.clearing.verify import violations
from marketplace.trading.models import Round
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.tasks import run_round_now
from tests.factories.accounts import MemberFactory
from tests.factories.listings import AcceleratorFactory
from tests.factories.trading import fund
from tests.faults.processes import wait_until, worker

pytestmark = pytest.mark.django_db(transaction=True)


class Program:
    """What a partner writes: an HTTP client with a key, that sends each change under a key of its own."""

    def __init__(self, address: str, activity: str) -> None:
        now = timezone.now()
        member = MemberFactory(role=Role.OWNER, organisation__activity=activity)
        self.organisation = member.organisation
        _, token = create_api_key(
            actor=Actor(user=member.user, organisation=member.organisation),
            name="partner",
            scopes=list(Scope),
            expires_at=now + datetime.timedelta(days=1),
            now=now,
        )
        self.address = f"{address}/api/v1/"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: Any) -> Any:
        answer = self.session.get(self.address + path, params=query, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        answer = self.session.post(self.address + path, json=body, headers=key, timeout=10)
        assert answer.ok, answer.text
        return answer.json()


def hours_ahead(count: int) -> str:
    return (slot_of(timezone.now()) + count * SLOT).isoformat()


def test_from_a_listing_to_a_contract(live_server) -> None:
    AcceleratorFactory(slug="huawei-ascend-910b")
    provider = Program(live_server.url, Organisation.Activity.PROVIDE)
    buyer = Program(live_server.url, Organisation.Activity.BUY)
    fund(buyer.organisation, 1_000_000)

    facility = provider.post(
        "own/facilities",
        name_zh="韶关一号",
        name_en="Shaoguan One",
        kind="data_centre",
        city="Shaoguan",
        hub="greater_bay",
        jurisdiction="mainland",
        pue="1.22",
        green_percent=45,
    )
    pool = provider.post("own/pools", facility=facility["id"], accelerator="huawei-ascend-910b", units=32)
    provider.post(
        "capacities",
        pool=pool["id"],
        units=32,
        starts_at=hours_ahead(1),
        ends_at=hours_ahead(73),
        reserve_price_fen=700,
    )

    terms = {
        "quantity": 16,
        "hours": 12,
        "window_start": hours_ahead(2),
        "window_end": hours_ahead(48),
        "limit_price_fen": 900,
        "hubs": ["greater_bay"],
    }
    assert [found["id"] for found in buyer.get("pools", hub="greater_bay")["results"]] == [pool["id"]]
    estimate = buyer.post("estimates", **terms)
    assert [(found["pool"], found["cost_fen"]) for found in estimate["pools"]] == [
        (pool["id"], 16 * 12 * 700)
    ]
    order = buyer.post("bids", **terms)
    assert buyer.get("balance")["held_fen"] == 16 * 12 * 900

    clear_by_worker()

    assert buyer.get(f"orders/{order['id']}")["status"] == "filled"
    trade = buyer.get("trades")["results"][0]
    assert (trade["total_fen"], trade["quantity"]) == (16 * 12 * 700, 16)
    contract = buyer.get(f"contracts/{trade['contract']}")
    assert contract == provider.get(f"contracts/{trade['contract']}")
    assert contract["buyer"] == buyer.organisation.name_en
    assert buyer.get("balance") == {
        "currency": "CNY",
        "available_fen": 1_000_000 - trade["total_fen"],
        "held_fen": 0,
        "escrow_fen": trade["total_fen"],
        "receivable_fen": 0,
    }
    published = buyer.get(f"rounds/{trade['round']}")
    documents = [buyer.get(f"documents/{published[name]}") for name in ("book_sha256", "result_sha256")]
    assert violations(*documents) == []


def clear_by_worker() -> None:
    opened = open_round(now=timezone.now())
    with worker():
        run_round_now.delay(opened.pk)
        wait_until(lambda: Round.objects.get(pk=opened.pk).status == Round.Status.SETTLED)
