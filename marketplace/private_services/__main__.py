"""The keeper: one process per checkout that runs the private servers for whoever joins it."""

import fcntl
import os
import selectors
import signal
import socket
import subprocess
import sys
from contextlib import suppress

from marketplace.private_services import DATA_DIR, START_SECONDS, PrivateServiceError, socket_dir
from marketplace.private_services.servers import START, prepare_socket_dir, stop


def _keep() -> None:
    """Run as the keeper: serve whoever joins, stop the servers when nobody is left."""
    with (DATA_DIR / "keeper.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        prepare_socket_dir()
        address = socket_dir() / "keeper.sock"
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
            stop(children)
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


if __name__ == "__main__":
    _keep()
