"""The demo as its user starts it: one round and an end, or until Ctrl-C; no process is left behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from marketplace.private_services import BASE_DIR

Demo = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of a demo of its own, beside whatever else runs in this checkout."""
    return tmp_path / "data"


@pytest.fixture
def demo(data: Path) -> Iterator[Demo]:
    """`demo("--bids", "20")` starts one; where the test fails, its processes end with it."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    started = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--port", str(free_port()), *arguments],
            cwd=BASE_DIR,
            env={**kept, "SUANPAN_DATA_DIR": str(data)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def running_on(data: Path) -> list[str]:
    """What runs of the demo. Redis writes its title over its environment, but works in the data folder."""
    mine = []
    for process in psutil.process_iter():
        try:
            if data == Path(process.cwd()) or process.environ().get("SUANPAN_DATA_DIR") == str(data):
                mine.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return mine


def test_one_round_is_cleared_and_proven(demo: Demo, data: Path) -> None:
    said, _ = (started := demo("--rounds", "1", "--bids", "150")).communicate(timeout=240)
    assert started.returncode == 0, said
    for expected in ("orders", "matched", "welfare", "first come, first served", "mean price", "contracts"):
        assert re.search(rf"^  {expected}", said, re.MULTILINE), said
    assert "transfers agree with their balances" in said
    for expected in ("delivered", "credited", "invoiced"):
        assert re.search(rf"^  {expected} ", said, re.MULTILINE), said
    papers = list((data / "papers").iterdir())
    assert len(papers) == 3
    assert all(paper.read_bytes().startswith(b"%PDF-") for paper in papers)
    assert any((data / "letters").iterdir())
    assert running_on(data) == []


def test_ctrl_c_ends_every_process(demo: Demo, data: Path) -> None:
    started = demo("--bids", "20")
    assert started.stdout is not None
    said = []
    for line in started.stdout:
        said.append(line)
        if address := re.search(r"http://127\.0\.0\.1:\d+/", line):
            break
    else:
        pytest.fail("".join(said))
    assert urllib.request.urlopen(address.group()).status == 200
    running = " ".join(running_on(data))
    for program in ("manage.py demo", "gunicorn", "celery", "beat", "postgres", "redis.sock"):
        assert program in running
    started.send_signal(signal.SIGINT)
    began = time.monotonic()
    rest, _ = started.communicate(timeout=30)
    assert started.returncode == 0, "".join(said) + rest
    assert time.monotonic() - began < 20
    assert running_on(data) == []
