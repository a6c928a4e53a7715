"""The project's own PostgreSQL and Redis, for a machine that names none in DATABASE_URL and REDIS_URL.

One keeper process per checkout runs both servers as its children, on Unix sockets under `.data/`. Every
process that needs them joins the keeper over a socket and stays joined until it ends; the kernel closes that
socket even after a SIGKILL, so the keeper knows when the last one has left, and then stops the servers and
itself.
"""

import atexit
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATA_DIR = Path(os.environ.get("SUANPAN_DATA_DIR") or BASE_DIR / ".data").absolute()
LONGEST_SOCKET_PATH = 100
DATABASE_USER = DATABASE = "suanpan"
START_SECONDS = 60


class PrivateServiceError(RuntimeError):
    """A private server could not be started; the sentence says where its log is."""


def socket_dir() -> Path:
    """`.data/run`, or a folder of the temporary directory where that path is too long for a Unix socket."""
    near = DATA_DIR / "run"
    if len(str(near)) + len("/.s.PGSQL.5432") <= LONGEST_SOCKET_PATH:
        return near
    digest = hashlib.sha256(str(DATA_DIR).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"suanpan-{os.getuid()}-{digest}"


def database_url(name: str = DATABASE) -> str:
    return f"postgresql://{DATABASE_USER}@/{name}?host={socket_dir()}"


def redis_url(database: int = 0) -> str:
    return f"unix://{socket_dir()}/redis.sock?db={database}"


def wanted() -> list[str]:
    """The private servers that this process's environment leaves to the project."""
    variables = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}
    return [server for server, variable in variables.items() if not os.environ.get(variable)]


_membership: tuple[int, socket.socket] | None = None


def start() -> None:
    """Make sure that the wanted servers run, and keep them running until this process ends."""
    global _membership
    servers = wanted()
    if not servers or (_membership and _membership[0] == os.getpid()):
        return
    deadline = time.monotonic() + START_SECONDS
    answer = ""
    while (
        not answer and time.monotonic() < deadline
    ):  # A keeper that is just stopping hangs up: ask the next.
        connection = _join_keeper(deadline)
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall((" ".join(servers) + "\n").encode())
            answer = connection.makefile().readline().strip()
    if answer != "ready":
        raise PrivateServiceError(answer or f"The keeper stopped; see {DATA_DIR}/keeper.log.")
    _membership = (os.getpid(), connection)
    atexit.register(_leave)


def _leave() -> None:
    """Leave the keeper; if this was the last process, return once the servers have stopped."""
    if _membership is None or _membership[0] != os.getpid():
        return
    connection = _membership[1]
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1024):
            pass
    connection.close()


def _join_keeper(deadline: float) -> socket.socket:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    address = str(socket_dir() / "keeper.sock")
    keeper: subprocess.Popen[bytes] | None = None
    while time.monotonic() < deadline:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(address)
            return connection
        except OSError:
            connection.close()
        if keeper is None or keeper.poll() is not None:
            keeper = _spawn_keeper()
        time.sleep(0.05)
    raise PrivateServiceError(f"The private servers did not start; see {DATA_DIR}/keeper.log.")


def _spawn_keeper() -> subprocess.Popen[bytes]:
    with (DATA_DIR / "keeper.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "marketplace.private_services"],
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
