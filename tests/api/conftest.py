import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.audit import Actor
from accounts.models import Organisation, Role, Scope
from accounts.operations import create_api_key
from tests.factories.accounts import MemberFactory
from tests.factories.listings import hour

EVERYTHING = list(Scope)


class Caller:
    """A program with an API key: `caller.post("bids", {...})`."""

    def __init__(self, organisation: Organisation, scopes: list[str], now: datetime.datetime) -> None:
        owner = MemberFactory(organisation=organisation, role=Role.OWNER)
        expires_at = now + datetime.timedelta(days=30)
        actor = Actor(user=owner.user, organisation=organisation)
        _, token = create_api_key(actor=actor, name="test", scopes=scopes, expires_at=expires_at, now=now)
        self.client = Client(headers={"authorization": f"Bearer {token}"})

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.client.get(f"/api/v1/{path}", query)

    def send(self, method: str, path: str, body: Any = None, key: str | None = None) -> HttpResponse:
        headers = {"idempotency-key": key} if key else {}
        return self.client.generic(
            method,
            f"/api/v1/{path}",
            "" if body is None else json.dumps(body, default=str),
            content_type="application/json",
            headers=headers,
        )

    def post(self, path: str, body: Any = None, key: str | None = None) -> HttpResponse:
        return self.send("POST", path, body, key)


def bid(**changes: Any) -> dict[str, Any]:
    """The body of a bid: four units for three hours in the eleven after the tests' first gate."""
    return {
        "quantity": 4,
        "hours": 3,
        "window_start": hour(1),
        "window_end": hour(12),
        "limit_price_fen": 2000,
    } | changes


@pytest.fixture
def caller(clock: datetime.datetime) -> Callable[..., Caller]:
    """`caller(organisation)` may do everything; `caller(organisation, ["read"])` only look."""
    return lambda organisation, scopes=EVERYTHING: Caller(organisation, scopes, clock)


@pytest.fixture(autouse=True)
def _no_limit(settings: Any) -> None:
    """Each test counts its own requests."""
    from django.core.cache import cache

    cache.clear()
