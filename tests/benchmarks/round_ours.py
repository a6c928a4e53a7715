"""How long a round of 10,000 orders, all of which trade, takes to settle. Run by tests.benchmarks.table."""

import datetime
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
django.setup()

from django.core.management import call_command  # noqa: E402

from listings.slots import SLOT  # noqa: E402
from marketplace.trading.models import Order, Round  # noqa: E402
from marketplace.trading.operations.claim import claim  # noqa: E402
from marketplace.trading.operations.clear_round import clear_round  # noqa: E402
from marketplace.trading.operations.close_gate import close_gate  # noqa: E402
from marketplace.trading.operations.open_round import open_round  # noqa: E402
from marketplace.trading.operations.settle_round import settle_round  # noqa: E402
from settlement.contracts.models import Contract  # noqa: E402
from settlement.ledger.models import AccountKind, Hold, Transfer, TransferKind  # noqa: E402
from settlement.ledger.operations import (  # noqa: E402
    Posting,
    TransferDraft,
    accounts_of,
    platform_account,
    post_transfers,
)
from tests.benchmarks.figures import clock, report  # noqa: E402
from tests.factories.accounts import NOW, OrganisationFactory, UserFactory  # noqa: E402
from tests.factories.listings import CapacityFactory  # noqa: E402

ORDERS, BUYERS, POOLS, HOURS = 10_000, 500, 20, 4
LIMIT, RESERVE = 2000, 1200
MOST = HOURS * LIMIT
RICH = ORDERS * MOST


def main() -> None:
    call_command("migrate", verbosity=0)
    for number in range(POOLS):  # Room for every order in each.
        CapacityFactory(pool__units=ORDERS, units=ORDERS, reserve_price=RESERVE + number)
    place_orders(NOW)
    closed = close_gate(round_id=open_round(now=NOW).pk, now=NOW)
    assert closed is not None
    transfers = Transfer.objects.count()
    with claim(closed.pk) as fence:
        assert fence is not None
        clear_round(round_id=closed.pk, fence=fence, now=NOW)
        with clock() as spent:
            settled = settle_round(round_id=closed.pk, fence=fence, now=NOW)
    assert settled.status == Round.Status.SETTLED, settled.error
    assert settled.matched_count == Contract.objects.count() == Transfer.objects.count() - transfers
    report(spent | {"trades": settled.matched_count})


def place_orders(now: datetime.datetime) -> None:
    """What `place_bid` writes for each order, all at once: money in, an order and its hold."""
    buyers = OrganisationFactory.create_batch(BUYERS, verified_by=UserFactory(is_staff=True))
    accounts = accounts_of(organisation_ids=[each.pk for each in buyers])
    bank = platform_account(kind=AccountKind.BANK).shard_for("")
    start = now + 2 * SLOT
    orders = Order.objects.bulk_create(
        Order(
            organisation=buyers[number % BUYERS],
            kind=Order.Kind.BID,
            quantity=1,
            minimum=1,
            limit_price=LIMIT,
            hours=HOURS,
            window_start=start,
            window_end=start + 20 * SLOT,
            placed_at=now,
            expires_at=start + 16 * SLOT,
        )
        for number in range(ORDERS)
    )
    top_ups = [
        TransferDraft(
            TransferKind.TOP_UP,
            "benchmark",
            str(buyer.pk),
            [Posting(bank, -RICH), Posting(accounts[buyer.pk, AccountKind.AVAILABLE], RICH)],
        )
        for buyer in buyers
    ]
    held = [
        TransferDraft(
            TransferKind.HOLD,
            "order",
            str(order.pk),
            [
                Posting(accounts[order.organisation_id, AccountKind.AVAILABLE], -MOST),
                Posting(accounts[order.organisation_id, AccountKind.HELD], MOST),
            ],
        )
        for order in orders
    ]
    transfers = post_transfers(drafts=top_ups + held, now=now)[BUYERS:]
    holds = Hold.objects.bulk_create(
        Hold(organisation_id=order.organisation_id, transfer=transfer, amount=MOST, placed_at=now)
        for order, transfer in zip(orders, transfers, strict=True)
    )
    for order, hold in zip(orders, holds, strict=True):
        order.hold = hold
    Order.objects.bulk_update(orders, ["hold"], batch_size=2000)


if __name__ == "__main__":
    main()
