"""What a process of its own needs to work on the tests' database."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connection


def environment() -> dict[str, str]:
    """The environment of a process that shares the test's database and Redis."""
    database = connection.settings_dict
    user = quote(database["USER"]) + (f":{quote(database['PASSWORD'])}" if database["PASSWORD"] else "")
    place = database["HOST"] + (f":{database['PORT']}" if database["PORT"] else "")
    options = urlencode(
        {name: value for name, value in database["OPTIONS"].items() if isinstance(value, str)}
    )
    return os.environ | {
        "DATABASE_URL": f"postgresql://{user}@{place}/{database['NAME']}?{options}",
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": "of these tests alone",
        "SIGNING_KEYS": ",".join(settings.SIGNING_KEYS),
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
    }


@contextmanager
def worker(redis_url: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker, on the test's Redis or on another, ended at the end."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "marketplace",
            "worker",
            "--pool",
            "solo",
            "--loglevel",
            "ERROR",
        ],
        cwd=settings.BASE_DIR,
        env=environment() | ({"REDIS_URL": redis_url} if redis_url else {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(timeout=30)


def wait_until(met: Callable[[], bool], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)
