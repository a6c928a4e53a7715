"""A worker killed at any moment of a round, and started again, makes the same trades, once."""

import datetime
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from celery.schedules import crontab
from django.conf import settings

from marketplace.trading.operations.run_round import run_due_round
from tests.factories.accounts import NOW
from tests.faults.processes import environment
from tests.faults.scenes import scene

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


def points(moments: int, count: int, since: int = 1) -> list[int]:
    """One seeded moment in each of `count` equal stretches of the round."""
    draw = random.Random(SEED)
    step = (moments - since + 1) / count
    return [since + int(step * (number + draw.random())) for number in range(count)]


@pytest.mark.parametrize("part", range(PARTS))
def test_the_same_trades_once_wherever_it_is_killed(runner, part):
    undisturbed = scene(NOW)
    exit_code, moments, commits = runner.run()
    assert exit_code == 0
    assert commits
    expected = undisturbed.outcome()
    assert expected["trades"] >= 3
    assert expected["differences"] == []
    around_commits = {moment for commit in commits for moment in (commit, commit + 1)}
    for die_at in sorted({*points(moments, POINTS), *around_commits})[part::PARTS]:
        killed = scene(NOW)
        assert runner.run(die_at=die_at)[0] == -signal.SIGKILL
        run_due_round(now=GATE)
        run_due_round(now=GATE)
        assert killed.outcome() == expected, f"killed at moment {die_at} of {moments}"


def test_without_its_one_transaction_a_kill_leaves_the_round_half_done(runner):
    """The guard off: the harm that the test above would see."""
    undisturbed = scene(NOW)
    _, moments, _ = runner.run(guard="off")
    expected = undisturbed.outcome()
    harmed = 0
    for die_at in points(moments, 4, since=moments // 2):
        killed = scene(NOW)
        runner.run(die_at=die_at, guard="off")
        run_due_round(now=GATE)
        harmed += killed.outcome() != expected
    assert harmed


def test_what_a_dead_worker_left_is_taken_up_within_a_minute():
    """The sweeper's bell rings every minute, whatever the length of a round."""
    bells = {entry["task"]: entry["schedule"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert bells["marketplace.trading.tasks.resume_rounds"] == crontab()
