"""A worker killed at any moment of a round, and started again, makes the same trades, once."""

import datetime
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from celery.schedules import crontab
from django.conf import settings
from django.core.management import call_command
from django.db.models import Prefetch

from accounts.models import Organisation
from listings.models import Capacity, CapacityHour, LicencePlan
from marketplace.trading.models import Order, Round, Trade
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.run_round import run_due_round
from settlement.contracts.models import Contract
from settlement.ledger.check import differences
from settlement.ledger.models import Entry, Transfer
from settlement.ledger.queries import balance_of
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory, LicencePlanFactory
from tests.factories.trading import bid, funded_buyer, licence_order
from tests.faults.processes import environment

pytestmark = pytest.mark.django_db(transaction=True)

POINTS = 100
PARTS = 4  # so that the test processes share them
SEED = 20260601
GATE = NOW + datetime.timedelta(minutes=5)


@dataclass
class Runner:
    """The process whose children run rounds."""

    process: subprocess.Popen[str]

    def run(self, *, die_at: int = 0, guard: str = "on") -> tuple[int, int, list[int]]:
        """Run the due round in a new child: its exit code (-9: killed), the moments it lived through, and
        those of them just before a commit."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{GATE.isoformat()} {die_at} {guard}\n")
        self.process.stdin.flush()
        status, moments, *commits = map(int, self.process.stdout.readline().split())
        return os.waitstatus_to_exitcode(status), moments, commits


@pytest.fixture
def runner(transactional_db: None) -> Iterator[Runner]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.killable_rounds"],
        cwd=settings.BASE_DIR,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Runner(process)
        assert process.stdin is not None
        process.stdin.close()


@dataclass
class Scene:
    orders: list[Order]
    capacities: list[Capacity]
    plan: LicencePlan
    buyers: list[Organisation]

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
            "rounds": [*Round.objects.order_by("pk").values_list("status", "matched_count", "result_sha256")],
            "transfers": sorted(self._transfers()),
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
        shares = trade.allocations.order_by("capacity", "starts_at") if trade else []
        return (
            order.status,
            order.filled_quantity,
            [part.outcome for part in order.round_orders.all()],
            (trade.starts_at, trade.quantity, trade.prices) if trade else None,
            [(share.starts_at, share.ends_at, share.units) for share in shares],
        )


def scene() -> Scene:
    """An empty database with one open round: fills, a cut bid, refusals, seats limited and not."""
    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True)
    first = CapacityFactory(units=6, reserve_price=1000)
    second = CapacityFactory(pool=first.pool, units=4, reserve_price=1300)
    buyers = [funded_buyer() for _ in range(3)]
    plan = LicencePlanFactory(supply=3, price=500)
    orders = [
        bid(buyers[0], quantity=8, hours=5, limit_price=2100),
        bid(buyers[1], quantity=5, minimum=1, hours=9, limit_price=1900),
        bid(buyers[2], quantity=10, hours=11, limit_price=1200),
        bid(buyers[2], quantity=2, hours=2, limit_price=900),
        licence_order(plan, buyers[0], seats=2, limit_price=800),
        licence_order(plan, buyers[1], seats=2, limit_price=700),
        licence_order(LicencePlanFactory(price=600), buyers[1], seats=2),
    ]
    open_round(now=NOW)
    return Scene(orders, [first, second], plan, buyers)


def points(moments: int, count: int, since: int = 1) -> list[int]:
    """One seeded moment in each of `count` equal stretches of the round."""
    draw = random.Random(SEED)
    step = (moments - since + 1) / count
    return [since + int(step * (number + draw.random())) for number in range(count)]


@pytest.mark.parametrize("part", range(PARTS))
def test_the_same_trades_once_wherever_it_is_killed(runner, part):
    undisturbed = scene()
    exit_code, moments, commits = runner.run()
    assert exit_code == 0
    assert commits
    expected = undisturbed.outcome()
    assert expected["trades"] >= 3
    assert expected["differences"] == []
    around_commits = {moment for commit in commits for moment in (commit, commit + 1)}
    for die_at in sorted({*points(moments, POINTS), *around_commits})[part::PARTS]:
        killed = scene()
        assert runner.run(die_at=die_at)[0] == -signal.SIGKILL
        run_due_round(now=GATE)
        run_due_round(now=GATE)
        assert killed.outcome() == expected, f"killed at moment {die_at} of {moments}"


def test_without_its_one_transaction_a_kill_leaves_the_round_half_done(runner):
    """The guard off: the harm that the test above would see."""
    undisturbed = scene()
    _, moments, _ = runner.run(guard="off")
    expected = undisturbed.outcome()
    harmed = 0
    for die_at in points(moments, 4, since=moments // 2):
        killed = scene()
        runner.run(die_at=die_at, guard="off")
        run_due_round(now=GATE)
        harmed += killed.outcome() != expected
    assert harmed


def test_what_a_dead_worker_left_is_taken_up_within_a_minute():
    """The sweeper's bell rings every minute, whatever the length of a round."""
    bells = {entry["task"]: entry["schedule"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert bells["marketplace.trading.tasks.resume_rounds"] == crontab()
