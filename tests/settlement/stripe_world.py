"""The exchange against the stand-in: what a buyer, a bank and Stripe do, in a test's words."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from accounts.audit import Actor
from accounts.models import Organisation
from settlement.ledger.models import Account, AccountKind, Currency
from settlement.payments import operations
from settlement.payments.models import CardTopUp, SavedCard, StripeCall, StripeEvent
from tests.factories.settlement import acting
from tests.stripe_standin import SECRET_KEY, WEBHOOK_SECRET, StandIn
from tests.stripe_standin.cards import GOOD

PAGE = "https://exchange.example/back/"


@dataclass
class World:
    stripe: StandIn
    now: datetime.datetime

    # What the exchange is asked

    def start(self, organisation: Organisation, amount: int = 100_000, **changes: Any) -> CardTopUp:
        fields: dict[str, Any] = {"currency": Currency.CNY, "save_card": False} | changes
        return operations.start_card_top_up(
            actor=self.actor(organisation),
            amount=amount,
            return_url=lambda key: PAGE + key,
            now=self.now,
            **fields,
        ).top_up

    def top_up(self, organisation: Organisation, amount: int = 100_000, **changes: Any) -> CardTopUp:
        """Paid on Stripe's page, and booked."""
        started = self.start(organisation, amount, **changes)
        self.stripe.cards.complete(started.session_id or "")
        self.hear()
        started.refresh_from_db()
        return started

    def saved_card(self, organisation: Organisation, number: str = GOOD) -> SavedCard:
        page = operations.add_card_page(actor=self.actor(organisation), return_url=PAGE, now=self.now)
        self.stripe.cards.complete(page.rsplit("/", 1)[1], number)
        self.hear()
        return SavedCard.objects.get(organisation=organisation, last4=number[-4:], removed_at=None)

    def actor(self, organisation: Organisation) -> Actor:
        return acting(organisation)

    # What the machinery does

    def hear(self, **how: Any) -> None:
        """Stripe's webhooks arrive, and the sweeper processes them."""
        self.stripe.deliver(self.webhook, **how)
        self.sweep()

    def webhook(self, body: bytes, signature: str) -> None:
        response = Client().post(
            "/stripe/webhook/", body, content_type="application/json", HTTP_STRIPE_SIGNATURE=signature
        )
        assert response.status_code == 200, response.content

    def sweep(self) -> None:
        """Workers come round until nothing is due; what they make happen is heard, too."""
        while True:
            operations.make_due_calls(now=self.now)
            operations.process_due_events(now=self.now)
            if not StripeCall.objects.due(self.now).exists():
                break

    def later(self, **step: float) -> None:
        self.now += datetime.timedelta(**step)

    # What came of it

    def fen(self, kind: AccountKind, currency: Currency = Currency.CNY) -> int:
        rows = Account.objects.filter(kind=kind, currency=currency)
        return sum(rows.values_list("balance", flat=True))

    def agrees_with_stripe(self) -> bool:
        """What the ledger says is at Stripe is what Stripe says is there."""
        return -self.fen(AccountKind.STRIPE) == self.stripe.books.balance("cny")

    def waiting(self) -> int:
        return StripeEvent.objects.filter(processed_at=None).count()


@pytest.fixture
def world(
    db: None, settings: Any, now: datetime.datetime, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    with StandIn() as stripe:
        settings.STRIPE_SECRET_KEY = SECRET_KEY
        settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
        settings.STRIPE_API_BASE = stripe.address
        settings.STRIPE_CURRENCIES = ["CNY", "HKD"]
        made = World(stripe, now)
        monkeypatch.setattr("django.utils.timezone.now", lambda: made.now)
        yield made
