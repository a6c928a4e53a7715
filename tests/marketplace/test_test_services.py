"""Two test processes side by side never share a Redis database: one would answer the other's tasks."""

import os
import subprocess
import sys

from marketplace.private_services import BASE_DIR


def redis_of(worker: str) -> str:
    """The address that a worker takes which inherits this process's environment."""
    printed = subprocess.run(
        [sys.executable, "-c", "import tests.services, os; print(os.environ['REDIS_URL'])"],
        cwd=BASE_DIR,
        env={**os.environ, "REDIS_URL": controller(), "PYTEST_XDIST_WORKER": worker},
        capture_output=True,
        text=True,
        check=True,
    )
    return printed.stdout.strip()


def controller() -> str:
    from tests.services import inherited

    return inherited


def test_each_worker_has_its_own() -> None:
    assert len({controller(), redis_of("gw0"), redis_of("gw1")}) == 3
