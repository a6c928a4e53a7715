"""The bound holds, comes close to the linear relaxation, adds up exactly and never varies."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.clearing.book import Book
from marketplace.clearing.bound import bound_at, bound_prices
from tests.benchmarks.books import Tables, flexible


def relaxation(book: Book) -> float:
    """The optimum of the linear relaxation, over every option and start of every bid, by HiGHS."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
    cells = book.pools * book.slots
    for _ in range(cells):
        solver.addRow(-highspy.kHighsInf, 0, 0, [], [])
    for _ in range(len(book.bids)):
        solver.addRow(-highspy.kHighsInf, 1, 0, [], [])
    for pool, first, last, quantity, price in zip(
        book.asks.pool, book.asks.first, book.asks.last, book.asks.quantity, book.asks.price, strict=True
    ):
        for slot in range(first, last):
            solver.addCol(-float(price), 0, float(quantity), 1, [pool * book.slots + slot], [-1.0])
    for bid, pool, price in zip(book.options.bid, book.options.pool, book.options.price, strict=True):
        quantity, duration = float(book.bids.quantity[bid]), int(book.bids.duration[bid])
        for start in range(book.bids.earliest[bid], book.bids.latest[bid] - duration + 1):
            rows = [pool * book.slots + slot for slot in range(start, start + duration)] + [cells + bid]
            values = [quantity] * duration + [1.0]
            solver.addCol(quantity * duration * price, 0, highspy.kHighsInf, duration + 1, rows, values)
    solver.run()
    assert solver.getModelStatus() in (
        highspy.HighsModelStatus.kOptimal,
        highspy.HighsModelStatus.kModelEmpty,
    )
    return solver.getInfo().objective_function_value


def recomputed(book: Book, prices: np.ndarray) -> int:
    """U as it is defined, term by term."""
    price = prices.tolist()
    gains = [0] * len(book.bids)
    options = (book.options.bid, book.options.pool, book.options.price)
    for bid, pool, limit in zip(*(column.tolist() for column in options), strict=True):
        duration = int(book.bids.duration[bid])
        for start in range(book.bids.earliest[bid], book.bids.latest[bid] - duration + 1):
            surplus = limit * duration - sum(price[pool][start : start + duration])
            gains[bid] = max(gains[bid], int(book.bids.quantity[bid]) * surplus)
    asks = (book.asks.pool, book.asks.first, book.asks.last, book.asks.quantity, book.asks.price)
    for pool, first, last, quantity, reserve in zip(*(column.tolist() for column in asks), strict=True):
        gains.extend(quantity * max(0, price[pool][slot] - reserve) for slot in range(first, last))
    return sum(gains)


@st.composite
def small_books(draw: st.DrawFn) -> Book:
    slots, pools = draw(st.integers(1, 12)), draw(st.integers(1, 3))
    asks: list[tuple[int, ...]] = []
    for _ in range(draw(st.integers(0, 5))):
        first = draw(st.integers(0, slots - 1))
        last = draw(st.integers(first + 1, slots))
        asks.append(
            (draw(st.integers(0, pools - 1)), first, last, draw(st.integers(1, 20)), draw(st.integers(0, 30)))
        )
    bids: list[tuple[int, ...]] = []
    options: list[tuple[int, ...]] = []
    for bid in range(draw(st.integers(0, 8))):
        duration = draw(st.integers(1, slots))
        earliest = draw(st.integers(0, slots - duration))
        latest = draw(st.integers(earliest + duration, slots))
        quantity = draw(st.integers(1, 20))
        bids.append((quantity, draw(st.integers(1, quantity)), duration, earliest, latest))
        for pool in sorted(draw(st.sets(st.integers(0, pools - 1), min_size=1))):
            options.append((bid, pool, draw(st.integers(0, 40))))
    return Book.from_json(
        {
            "slots": slots,
            "pools": pools,
            "asks": table(asks, "pool first last quantity price", placed=0),
            "bids": table(bids, "quantity minimum duration earliest latest", placed=len(asks)),
            "options": table(options, "bid pool price"),
        }
    )


def table(rows: list[tuple[int, ...]], names: str, placed: int | None = None) -> dict[str, list[int]]:
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names.split())}
    if placed is not None:
        columns["placed"] = list(range(placed, placed + len(rows)))
    return columns


FIXED: dict[str, Callable[[], Tables]] = {
    "large blocks": lambda: flexible(11, bids=200, pools=1, slots=48, load=3.0, options=(1, 1), least=32),
    "every bid eligible everywhere": lambda: flexible(12, bids=150, pools=4, slots=48, options=(4, 4)),
    "small components": lambda: flexible(
        13, bids=200, pools=40, slots=24, options=(1, 2), neighbourhoods=20, slack=24
    ),
    "fixed starts": lambda: flexible(14, bids=300, pools=2, slots=72, options=(1, 2), slack=0),
    "flexible": lambda: flexible(15, bids=200, pools=3, slots=72, options=(1, 3)),
}


@pytest.mark.parametrize("family", FIXED)
def test_the_bound_is_within_half_a_percent_of_the_relaxation(family: str) -> None:
    book = Book.from_json(FIXED[family]())
    _, bound = bound_prices(book)
    optimum = relaxation(book)
    assert optimum * (1 - 1e-9) <= bound <= optimum * 1.005


@pytest.mark.parametrize("family", FIXED)
def test_the_bound_is_exact_over_long_windows(family: str) -> None:
    book = Book.from_json(FIXED[family]())
    prices, bound = bound_prices(book, iterations=20)
    assert bound == recomputed(book, prices)


@settings(max_examples=60, deadline=None)
@given(small_books())
def test_no_relaxation_passes_the_bound(book: Book) -> None:
    prices, bound = bound_prices(book, iterations=30)
    assert (prices >= 0).all()
    assert bound >= relaxation(book) - 1e-6


@settings(max_examples=60, deadline=None)
@given(small_books())
def test_the_bound_is_exactly_what_its_prices_add_up_to(book: Book) -> None:
    prices, bound = bound_prices(book, iterations=30)
    assert bound == recomputed(book, prices)
    assert bound == bound_at(book, prices)


@settings(max_examples=60, deadline=None)
@given(small_books(), st.data())
def test_any_prices_can_be_evaluated_exactly(book: Book, data: st.DataObject) -> None:
    cells = book.pools * book.slots
    drawn = data.draw(st.lists(st.integers(0, 50), min_size=cells, max_size=cells))
    prices = np.array(drawn).reshape(book.pools, book.slots)
    assert bound_at(book, prices) == recomputed(book, prices)


def test_the_bound_is_the_same_on_every_run_and_thread() -> None:
    book = Book.from_json(FIXED["flexible"]())
    prices, bound = bound_prices(book)
    with ThreadPoolExecutor(4) as threads:
        for again, same in threads.map(lambda _: bound_prices(book), range(4)):
            assert again.tobytes() == prices.tobytes()
            assert same == bound


def test_more_iterations_never_loosen_a_book_that_needs_them() -> None:
    book = Book.from_json(FIXED["flexible"]())
    first, last = (bound_prices(book, iterations=n)[1] for n in (10, 1000))
    assert last < first


def test_a_market_without_supply_is_bounded_by_nothing() -> None:
    book = Book.from_json(
        {
            "slots": 5,
            "pools": 2,
            "asks": table([(1, 0, 2, 10, 3)], "pool first last quantity price", placed=0),
            "bids": table([(4, 4, 2, 0, 5)], "quantity minimum duration earliest latest", placed=1),
            "options": table([(0, 0, 50)], "bid pool price"),
        }
    )
    assert bound_prices(book)[1] == 0


def test_sums_stay_exact_where_a_book_is_worth_nearly_all_that_64_bits_hold() -> None:
    book = Book.from_json(
        {
            "slots": 3,
            "pools": 1,
            "asks": table([(0, 0, 3, 2**24, 2**20)], "pool first last quantity price", placed=0),
            "bids": table([(2**20, 1, 3, 0, 3)] * 2, "quantity minimum duration earliest latest", placed=1),
            "options": table([(0, 0, 2**37), (1, 0, 2**37 - 1)], "bid pool price"),
        }
    )
    prices, bound = bound_prices(book)
    assert bound == recomputed(book, prices)
    assert bound >= 3 * 2**20 * (2**38 - 1 - 2**21)
