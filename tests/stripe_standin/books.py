"""What the stand-in knows: objects by id, the balance of each account, and the events of what happened."""

import itertools
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from tests.stripe_standin.errors import missing

Object = dict[str, Any]
PLATFORM = ""


class Books:
    def __init__(self) -> None:
        self.clock: Callable[[], float] = time.time
        self.objects: dict[str, dict[str, dict[str, Object]]] = defaultdict(lambda: defaultdict(dict))
        self.events: list[Object] = []
        self.balance_later = False  # A charge's balance transaction comes with charge.updated, not at once.
        self._numbers = itertools.count(1)

    def new(self, kind: str, prefix: str, account: str = PLATFORM, **fields: Any) -> Object:
        made = {
            "id": f"{prefix}_{next(self._numbers):08}",
            "object": kind,
            "created": int(self.clock()),
            "livemode": False,
            "metadata": {},
        } | fields
        self.objects[account][kind][made["id"]] = made
        return made

    def get(self, kind: str, object_id: str, account: str = PLATFORM) -> Object:
        try:
            return self.objects[account][kind][object_id]
        except KeyError:
            raise missing(kind, object_id) from None

    def all(self, kind: str, account: str = PLATFORM) -> list[Object]:
        """The newest first."""
        return list(reversed(self.objects[account][kind].values()))

    def any(self, object_id: str, account: str) -> Object | None:
        kinds = self.objects[account].values()
        return next((rows[object_id] for rows in kinds if object_id in rows), None)

    def say(self, kind: str, about: Object, account: str = PLATFORM) -> None:
        """Note an event, with its object as it is now."""
        event = {
            "id": f"evt_{next(self._numbers):08}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": int(self.clock()),
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
            "data": {"object": snapshot(about)},
        }
        self.events.append(event | ({"account": account} if account else {}))

    def move(
        self, kind: str, amount: int, currency: str, source: str, *, fee: int = 0, account: str = PLATFORM
    ) -> Object:
        """A balance transaction: `amount` comes to (or leaves) the account's balance, less the fee."""
        return self.new(
            "balance_transaction",
            "txn",
            account,
            type=kind,
            reporting_category=kind,
            amount=amount,
            fee=fee,
            net=amount - fee,
            fee_details=[{"amount": fee, "currency": currency, "type": "stripe_fee"}] if fee else [],
            currency=currency,
            source=source,
            status="available",
            available_on=int(self.clock()),
            description=None,
            exchange_rate=None,
        )

    def balance(self, currency: str, account: str = PLATFORM) -> int:
        rows = self.objects[account]["balance_transaction"].values()
        return sum(row["net"] for row in rows if row["currency"] == currency)


def snapshot(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: snapshot(each) for name, each in value.items()}
    return [snapshot(each) for each in value] if isinstance(value, list) else value
