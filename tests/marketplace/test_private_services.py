"""The project's own PostgreSQL and Redis: they start when first needed and leave with the last user."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from marketplace import private_services

USE = """
import sys
from marketplace import private_services
private_services.start()
print(private_services.database_url(), flush=True)
sys.stdin.readline()
"""


class Checkout:
    """A copy of the module in a folder of its own, used by processes as a checkout's would."""

    def __init__(self, root: Path) -> None:
        self.root = root
        package = Path(private_services.__file__).parent
        shutil.copytree(package, root / "marketplace" / package.name)
        (root / "marketplace" / "__init__.py").touch()

    def use(self, **environment: str) -> subprocess.Popen[str]:
        """A process that needs the servers and keeps them until it reads a line."""
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        return subprocess.Popen(
            [sys.executable, "-c", USE],
            cwd=self.root,
            env={**kept, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def processes(self) -> list[psutil.Process]:
        """The keeper and the servers of this checkout that are alive."""
        mine = []
        for process in psutil.process_iter():
            try:
                keeper = "marketplace.private_services" in process.cmdline() and process.cwd() == str(
                    self.root
                )
                if keeper or f"{self.root}/.data" in " ".join(process.cmdline()):
                    mine.append(process)
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
        return mine


def url_of(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    return user.stdout.readline().strip()


def leave(user: subprocess.Popen[str]) -> None:
    user.communicate("\n", timeout=30)


def eventually(condition: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "one")


def test_a_second_start_finds_the_same_data_and_nothing_stays_behind(checkout: Checkout) -> None:
    first = checkout.use()
    with psycopg.connect(url_of(first)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    leave(first)
    assert eventually(lambda: checkout.processes() == [], seconds=10)

    second = checkout.use()
    with psycopg.connect(url_of(second)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    leave(second)
    assert eventually(lambda: checkout.processes() == [], seconds=10)


def test_servers_stay_while_anybody_needs_them(checkout: Checkout) -> None:
    users = [checkout.use() for _ in range(4)]
    urls = {url_of(user) for user in users}
    assert len(urls) == 1
    for user in users[1:]:
        leave(user)
    with psycopg.connect(urls.pop()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    leave(users[0])
    assert eventually(lambda: checkout.processes() == [], seconds=10)


def test_killing_the_only_user_stops_the_servers(checkout: Checkout) -> None:
    user = checkout.use()
    url_of(user)
    assert len(checkout.processes()) >= 3
    user.kill()
    user.wait()
    assert eventually(lambda: checkout.processes() == [])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has died")
def test_killing_the_keeper_stops_the_servers_and_the_next_start_recovers(checkout: Checkout) -> None:
    user = checkout.use()
    url_of(user)
    keeper = next(p for p in checkout.processes() if "marketplace.private_services" in p.cmdline())
    keeper.send_signal(signal.SIGKILL)
    assert eventually(lambda: checkout.processes() == [])
    leave(user)

    successor = checkout.use()
    with psycopg.connect(url_of(successor)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    leave(successor)


def test_two_checkouts_do_not_share_anything(checkout: Checkout, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "another")
    users = [checkout.use(), other.use()]
    urls = [url_of(user) for user in users]
    with psycopg.connect(urls[0]) as connection:
        connection.execute("CREATE TABLE only_here ()")
    with psycopg.connect(urls[1]) as connection:
        assert connection.execute("SELECT to_regclass('only_here')").fetchone() == (None,)
    for user in users:
        leave(user)


def test_nothing_private_starts_where_the_environment_names_servers(checkout: Checkout) -> None:
    user = checkout.use(DATABASE_URL="postgresql://db.example/suanpan", REDIS_URL="redis://redis.example")
    url_of(user)
    assert checkout.processes() == []
    leave(user)


def test_leaving_and_arriving_at_the_same_moment(checkout: Checkout) -> None:
    user = checkout.use()
    url = url_of(user)
    for _ in range(5):
        successor = checkout.use()
        leave(user)
        url_of(successor)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        user = successor
    leave(user)
    assert eventually(lambda: checkout.processes() == [], seconds=10)
