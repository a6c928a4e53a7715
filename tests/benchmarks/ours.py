"""Our engine on a benchmark book, in a process of its own.

    python -m tests.benchmarks.ours {clear,bound} BOOK

Prints its figures as one line of JSON. Kernels are compiled beforehand on a small book: they are cached on
disk, so that only the first process ever compiles them.
"""

import argparse
import time
from collections.abc import Callable

from marketplace.clearing.baseline import first_come_first_served
from marketplace.clearing.book import Book
from marketplace.clearing.bound import bound_prices
from marketplace.clearing.solve import solve
from marketplace.clearing.verify import violations
from tests.benchmarks.books import BOOKS, flexible, one_slot
from tests.benchmarks.figures import Figures, clock, report


def clear(book: Book) -> Figures:
    """Solve, then compare with first come, first served, then verify."""
    with clock() as spent:
        result = solve(book)
    served, _ = first_come_first_served(book)
    document, cleared = book.to_json(), result.to_json()
    began = time.perf_counter()
    found = violations(document, cleared)
    return {
        **spent,
        "orders": len(book.asks) + len(book.bids),
        "welfare": result.welfare,
        "bound": result.bound,
        "gap": result.gap,
        "proven_gap": result.proven_gap,
        "served": served,
        "violations": found,
        "verify_seconds": time.perf_counter() - began,
    }


def bound(book: Book) -> Figures:
    with clock() as spent:
        _, value = bound_prices(book)
    return {**spent, "bound": value}


RUNS: dict[str, Callable[[Book], Figures]] = {run.__name__: run for run in (clear, bound)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", choices=RUNS)
    parser.add_argument("book", choices=BOOKS)
    given = parser.parse_args()
    for warming in (flexible(0, bids=3_000, pools=4, slots=48), one_slot(0, orders=100)):
        RUNS[given.run](Book.from_json(warming))
    report(RUNS[given.run](Book.from_json(BOOKS[given.book]())))
