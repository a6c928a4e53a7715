"""Run the exchange's processes side by side, their output merged line by line, and end them together."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from marketplace.private_services.servers import die_with_parent

COLOURS = {"web": 36, "worker": 33, "beat": 35, "demand": 32}
GRACE_SECONDS = 15


class ProcessEnded(RuntimeError):
    """One of the processes ended by itself; without it the exchange is not whole."""


@dataclass
class Processes:
    """Named child processes. Whatever happens to this process, they end with it."""

    out: TextIO
    children: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    readers: list[threading.Thread] = field(default_factory=list)

    def start(self, name: str, command: Sequence[str | Path]) -> None:
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the others in order.
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        self.children[name] = child
        reader = threading.Thread(target=self._relay, args=(name, child), daemon=True)
        reader.start()
        self.readers.append(reader)

    def _relay(self, name: str, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        label = f"{name:<7}|"
        if self.out.isatty():
            label = f"\033[{COLOURS.get(name, 37)}m{label}\033[0m"
        for line in child.stdout:
            self.out.write(f"{label} {line}")
            self.out.flush()

    def check(self) -> None:
        """Raises ProcessEnded where a process has ended by itself."""
        for name, child in self.children.items():
            if child.poll() is not None:
                raise ProcessEnded(
                    f"The {name} process ended with code {child.returncode}; its last lines say why."
                )

    def wait(self) -> None:
        """Block until one of the processes ends by itself (ProcessEnded) or the user interrupts."""
        while True:
            self.check()
            time.sleep(0.5)

    def stop(self) -> None:
        for child in self.children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self.children.values():
            try:
                child.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        for reader in self.readers:
            reader.join(timeout=1)


def program(name: str) -> Path:
    """A command installed beside this Python."""
    return Path(sys.executable).with_name(name)
