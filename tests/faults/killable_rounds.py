"""A process that runs due rounds in children of its own, and lets each be killed at a chosen moment.

Reads lines `NOW DIE_AT GUARD` from standard input; for each it forks a child that runs the round due at NOW.
Every SQL statement is a moment, and so is each commit, once before and once after it; the child sends itself
SIGKILL at its DIE_AT-th (0: never). It answers with the child's wait status, the number of moments it lived
through, and which of them stood before a commit. GUARD "off" takes transaction and fence from settling.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402

from marketplace.trading.models import Round  # noqa: E402
from marketplace.trading.operations import settle_round  # noqa: E402
from marketplace.trading.operations.run_round import run_due_round  # noqa: E402


class Killer:
    def __init__(self, die_at: int) -> None:
        self.die_at, self.moments = die_at, 0
        self.commits: list[int] = []
        self.commit = connection._commit
        connection._commit = self.around_commit

    def tick(self) -> None:
        self.moments += 1
        if self.moments == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.tick()
        return execute(*arguments)

    def around_commit(self) -> None:
        self.tick()
        self.commits.append(self.moments)
        self.commit()
        self.tick()


def take_the_guard_off() -> None:
    settle_round._settle = settle_round._settle.__wrapped__
    settle_round.check_fence = lambda *, round_id, **_: Round.objects.get(pk=round_id)


def run(now: datetime, die_at: int, guard: str) -> list[int]:
    """In the child: the number of moments, then those before a commit."""
    if guard == "off":
        take_the_guard_off()
    killer = Killer(die_at)
    with connection.execute_wrapper(killer):
        run_due_round(now=now)
    return [killer.moments, *killer.commits]


def main() -> None:
    for line in sys.stdin:
        now, die_at, guard = line.split()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # The answers are the parent's alone.
            lived = run(datetime.fromisoformat(now), int(die_at), guard)
            os.write(writer, " ".join(map(str, lived)).encode())
            sys.exit()
        os.close(writer)
        with os.fdopen(reader) as answer:
            lived_through = answer.read() or "0"
        print(os.waitpid(child, 0)[1], lived_through, flush=True)


if __name__ == "__main__":
    main()
