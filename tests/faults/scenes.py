"""A round to disturb, and all that it changes."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.management import call_command
from django.db.models import Prefetch

from accounts.models import Organisation, OutgoingEmail
from listings.models import Capacity, CapacityHour, LicencePlan
from listings.slots import SLOT, slot_of
from marketplace.trading.models import Order, Round, Trade
from marketplace.trading.operations.open_round import open_round
from settlement.contracts.models import Contract
from settlement.ledger.check import differences
from settlement.ledger.models import Entry, Transfer
from settlement.ledger.queries import balance_of
from tests.factories.listings import CapacityFactory, LicencePlanFactory
from tests.factories.trading import bid, funded_buyer, licence_order


@dataclass
class Scene:
    orders: list[Order]
    capacities: list[Capacity]
    plan: LicencePlan
    buyers: list[Organisation]
    first_slot: datetime.datetime

    def outcome(self) -> dict[str, Any]:
        """All that a round changes, in terms that do not depend on the rows' ids."""
        return {
            "orders": [self._fate(order) for order in self.orders],
            "sold": [
                list(
                    CapacityHour.objects.filter(capacity=each).order_by("slot").values_list("sold", flat=True)
                )
                for each in self.capacities
            ],
            "seats": LicencePlan.objects.get(pk=self.plan.pk).sold,
            "balances": [balance_of(buyer) for buyer in self.buyers],
            "trades": Trade.objects.count(),
            "contracts": [*Contract.objects.order_by("position").values_list("total", "quantity")],
            "rounds": [*Round.objects.order_by("pk").values_list("status", "matched_count")],
            "transfers": sorted(self._transfers()),
            "letters": OutgoingEmail.objects.count(),
            "differences": list(differences()),
            "frozen": Capacity.objects.filter(frozen=True).count(),
        }

    def _transfers(self) -> Iterator[tuple[Any, ...]]:
        """Every transfer, by its kind and by whose account of which kind each entry moves."""
        names = {buyer.pk: str(number) for number, buyer in enumerate(self.buyers)}
        entries = Entry.objects.select_related("account").order_by("amount", "account__kind")
        for transfer in Transfer.objects.prefetch_related(Prefetch("entries", entries)):
            moved = [
                (names.get(each.account.organisation_id, "other"), each.account.kind, each.amount)
                for each in transfer.entries.all()
            ]
            yield (transfer.kind, sorted(moved))

    def _fate(self, order: Order) -> tuple[Any, ...]:
        order = Order.objects.get(pk=order.pk)
        trade = Trade.objects.filter(order=order).first()
        start = trade.starts_at - self.first_slot if trade and trade.pool_id else None
        shares = trade.allocations.order_by("capacity", "starts_at") if trade else []
        return (
            order.status,
            order.filled_quantity,
            [part.outcome for part in order.round_orders.all()],
            (start, trade.quantity, trade.prices) if trade else None,
            [(share.starts_at - self.first_slot, share.units) for share in shares],
        )


def scene(now: datetime.datetime) -> Scene:
    """An empty database with one open round: fills, a cut bid, refusals, seats limited and not."""
    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True)
    first_slot = slot_of(now)
    period = {"starts_at": first_slot, "ends_at": first_slot + 24 * SLOT}
    window = {"window_start": first_slot + 2 * SLOT, "window_end": first_slot + 13 * SLOT, "now": now}
    first = CapacityFactory(units=6, reserve_price=1000, **period)
    second = CapacityFactory(pool=first.pool, units=4, reserve_price=1300, **period)
    buyers = [funded_buyer() for _ in range(3)]
    plan = LicencePlanFactory(supply=3, price=500)
    orders = [
        bid(buyers[0], quantity=8, hours=5, limit_price=2100, **window),
        bid(buyers[1], quantity=5, minimum=1, hours=9, limit_price=1900, **window),
        bid(buyers[2], quantity=10, hours=11, limit_price=1200, **window),
        bid(buyers[2], quantity=2, hours=2, limit_price=900, **window),
        licence_order(plan, buyers[0], seats=2, limit_price=800, now=now),
        licence_order(plan, buyers[1], seats=2, limit_price=700, now=now),
        licence_order(LicencePlanFactory(price=600), buyers[1], seats=2, now=now),
    ]
    open_round(now=now)
    return Scene(orders, [first, second], plan, buyers, first_slot)
