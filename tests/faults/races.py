"""Many acts at once, each on a database connection of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

THREADS = 16  # of a private server's 300 connections, beside another test process


def at_once(
    acts: Sequence[Callable[[], object]], *, refusals: tuple[type[Exception], ...] = ()
) -> list[Exception | None]:
    """Run every act, THREADS at a time, the first of them from the same moment: the refusal of each, or None.

    Any other exception is raised.
    """
    threads = min(THREADS, len(acts))
    start = threading.Barrier(threads)

    def run(number: int) -> Exception | None:
        try:
            if number < threads:
                start.wait(timeout=60)
            acts[number]()
        except refusals as refusal:
            return refusal
        finally:
            connections.close_all()
        return None

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(len(acts))))
