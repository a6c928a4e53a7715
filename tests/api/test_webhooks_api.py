"""A partner sets up its webhooks over the API, and is told what its contracts go through."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from accounts.models import Organisation, WebhookDelivery
from accounts.operations.webhooks import deliver
from settlement.contracts.models import Contract
from settlement.delivery.operations import open_dispute
from tests.api.conftest import Caller
from tests.factories.listings import CapacityFactory, hour
from tests.factories.settlement import acting
from tests.factories.trading import bid, cleared_round, fund
from tests.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_PRIVATE = True
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def program(buyer: Organisation, caller: Callable[..., Caller]) -> Caller:
    return caller(buyer)


def delivered(receiver: Receiver, now: datetime) -> list[tuple[str, dict[str, Any]]]:
    """Deliver what is due; the types and data that arrived since."""
    before = len(receiver.received)
    for pk in WebhookDelivery.objects.due(now).order_by("pk").values_list("pk", flat=True):
        deliver(delivery_id=pk, now=now)
    bodies = [json.loads(body) for _, body in receiver.received[before:]]
    return [(body["type"], body["data"]) for body in bodies]


def test_an_endpoint_shows_its_secret_once(program: Caller) -> None:
    made = program.post(
        "webhook-endpoints", {"url": "https://partner.example/", "kinds": ["contract.opened"]}
    )
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    endpoint = made.json()["endpoint"]
    assert program.get(f"webhook-endpoints/{endpoint['id']}").json() == endpoint
    assert made.json()["secret"] not in program.get("webhook-endpoints").content.decode()
    rotated = program.post(f"webhook-endpoints/{endpoint['id']}/rotate")
    assert rotated.json()["secret"] != made.json()["secret"]
    assert rotated.json()["endpoint"]["older_signs_until"]


def test_the_same_address_again_is_a_conflict(program: Caller) -> None:
    program.post("webhook-endpoints", {"url": "https://partner.example/"})
    again = program.post("webhook-endpoints", {"url": "https://partner.example/"})
    assert (again.status_code, again.json()["code"]) == (409, "webhook_endpoint_refused")


def test_a_kind_that_there_is_not_is_refused(program: Caller) -> None:
    refused = program.post("webhook-endpoints", {"url": "https://partner.example/", "kinds": ["order.eaten"]})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "kinds.0")


def test_a_contract_and_its_dispute_are_told(
    program: Caller, buyer: Organisation, receiver: Receiver, clock: datetime
) -> None:
    program.post("webhook-endpoints", {"url": receiver.url})
    fund(buyer, 1_000_000)
    CapacityFactory(units=8, reserve_price=1000, ends_at=hour(24))
    bid(buyer)
    cleared_round()
    contract = Contract.objects.get(buyer=buyer)
    now = contract.opened_at
    assert delivered(receiver, now) == [("contract.opened", {"contract": contract.number})]
    dispute = open_dispute(
        actor=acting(buyer), contract_id=contract.pk, text="It is slow.", amount=1, now=contract.ends_at
    )
    assert delivered(receiver, contract.ends_at) == [
        ("dispute.opened", {"dispute": dispute.pk, "contract": contract.number})
    ]
    assert [each["type"] for each in program.get("events").json()["results"]] == [
        "dispute.opened",
        "contract.opened",
    ]
    assert program.get("events", type="dispute.opened").json()["results"][0]["data"]["dispute"] == dispute.pk


def test_how_a_delivery_went_is_shown_and_it_is_replayed(
    program: Caller, receiver: Receiver, clock: datetime
) -> None:
    endpoint = program.post("webhook-endpoints", {"url": receiver.url}).json()["endpoint"]
    event = program.post(f"webhook-endpoints/{endpoint['id']}/ping").json()
    receiver.answers = [503]
    at = WebhookDelivery.objects.get().due_at
    delivered(receiver, at)
    [shown] = program.get(f"events/{event['id']}").json()["deliveries"]
    assert (shown["status"], shown["answered"], shown["attempts"]) == ("waiting", 503, 1)
    assert shown["next_attempt_at"] > at.isoformat()
    [again] = program.post(f"events/{event['id']}/replay").json()["deliveries"]
    assert (again["status"], again["attempts"]) == ("waiting", 0)
    assert delivered(receiver, WebhookDelivery.objects.get().due_at) == [("ping", {})]
    [shown] = program.get(f"events/{event['id']}").json()["deliveries"]
    assert (shown["status"], shown["next_attempt_at"]) == ("delivered", None)


def test_no_dispute_is_told_where_opening_it_is_undone(
    program: Caller, buyer: Organisation, receiver: Receiver, clock: datetime
) -> None:
    """The event is a row of the same transaction: a refused change tells nobody."""
    program.post("webhook-endpoints", {"url": receiver.url})
    assert program.post("contracts/SP-2026-999999/disputes", {"text": "It is slow."}).status_code == 404
    assert program.get("events").json()["results"] == []
