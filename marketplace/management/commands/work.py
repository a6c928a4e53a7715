"""Run a Celery worker, and replace it when heartbeats sent through the queue no longer reach it.

A worker may stop consuming after Redis comes back, while its process lives on (celery issue 10205): nothing
but a message that passes through the queue shows that it works.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from kombu.exceptions import OperationalError

from marketplace.private_services.servers import die_with_parent
from marketplace.tasks import beat

DEFAULT_QUEUE = "celery"
SECONDS_TO_START = 30
SECONDS_TO_LEAVE = 600


class Command(BaseCommand):
    help = "Run a worker, and replace it when it stops taking tasks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, default=2, help="tasks at a time (2)")
        parser.add_argument("--loglevel", default="info")
        parser.add_argument("--every", type=float, default=5, help="seconds between heartbeats (5)")
        parser.add_argument("--patience", type=float, default=30, help="seconds without one (30)")

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _end)
        with tempfile.TemporaryDirectory(prefix="suanpan-worker-") as folder:
            watched = Watched(Path(folder), options["concurrency"], options["loglevel"])
            try:
                while True:
                    time.sleep(options["every"])
                    watched.see_off()
                    if watched.silent_for() > options["patience"]:
                        self.stderr.write("The worker takes no tasks: another one replaces it.")
                        watched.replace()
            finally:
                watched.end()


class Watched:
    """A worker with a queue of its own beside the common one, through which its heartbeats come."""

    def __init__(self, folder: Path, concurrency: int, loglevel: str) -> None:
        self.folder, self.concurrency, self.loglevel = folder, concurrency, loglevel
        self.leaving: list[tuple[subprocess.Popen[bytes], float]] = []
        self._start()

    def _start(self) -> None:
        name = uuid.uuid4().hex[:8]
        self.queue = f"heartbeats.{name}"
        self.file = self.folder / name
        self.file.touch()
        ready_by = time.time() + SECONDS_TO_START
        os.utime(self.file, (ready_by, ready_by))  # Until then its silence does not count.
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", "marketplace", "worker"),
                *("--hostname", f"{name}@%h", "--queues", f"{DEFAULT_QUEUE},{self.queue}"),
                *("--concurrency", str(self.concurrency), "--loglevel", self.loglevel),
            ],
            cwd=settings.BASE_DIR,
            env=os.environ | {"HEARTBEAT_FILE": str(self.file)},
            preexec_fn=die_with_parent(signal.SIGTERM),
        )

    def silent_for(self) -> float:
        """Send a heartbeat; the seconds since the last one arrived. A dead worker is silent for ever."""
        if self.process.poll() is not None:
            return float("inf")
        try:
            beat.apply_async(queue=self.queue, expires=60, retry=False)
        except OperationalError:
            self.file.touch()  # Redis is away: the worker is not to blame.
        return time.time() - self.file.stat().st_mtime

    def replace(self) -> None:
        """Start another, and let this one finish what it is doing: nothing is lost by a false alarm."""
        self.process.terminate()
        self.leaving.append((self.process, time.monotonic() + SECONDS_TO_LEAVE))
        self._start()

    def see_off(self) -> None:
        """Kill whoever was replaced and does not leave."""
        for process, deadline in self.leaving:
            if time.monotonic() > deadline:
                process.kill()
        self.leaving = [each for each in self.leaving if each[0].poll() is None]

    def end(self) -> None:
        for process, _ in self.leaving:
            process.kill()
        self.process.terminate()
        try:
            self.process.wait(timeout=SECONDS_TO_LEAVE)
        except subprocess.TimeoutExpired:
            self.process.kill()


def _end(signum: int, frame: FrameType | None) -> None:
    sys.exit()
