"""The verifier against plain readings of the promises, on results good and bad."""

import copy
import re
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.clearing.verify import certificate, violations
from marketplace.clearing.verify.reading import read_book
from tests.clearing.oracle import Book, Result, as_result, best_allocations, bound
from tests.clearing.reference import broken_promises
from tests.clearing.strategies import PATIENT, books, feasible_results

any_book = st.booleans().flatmap(lambda bundles: books(bundles=bundles))


def promises(book: Book, result: Result) -> set[int]:
    """The numbers of the promises that the verifier finds broken."""
    return {int(re.match(r"promise (\d)", sentence)[1]) for sentence in violations(book, result)}


@given(st.data(), any_book)
@settings(PATIENT, max_examples=300)
def test_finds_what_a_plain_reading_of_each_promise_finds(data: st.DataObject, book: Book) -> None:
    result = data.draw(feasible_results(book))
    assert promises(book, result) == broken_promises(book, result)


@given(st.data(), any_book)
@settings(PATIENT, max_examples=100)
def test_numbers_past_64_bits_are_judged_as_small_ones_are(data: st.DataObject, book: Book) -> None:
    result = data.draw(feasible_results(book))
    great_book, great_result = copy.deepcopy(book), copy.deepcopy(result)
    for table in (*great_book.values(), *great_result.values()):
        for column, factor in (
            ("quantity", UNITS),
            ("minimum", UNITS),
            ("price", TICKS),
            ("surplus", UNITS * TICKS),
        ):
            if isinstance(table, dict) and column in table:
                table[column] = [factor * number for number in table[column]]
    for grid in ("prices", "bound_prices"):
        great_result[grid] = [[TICKS * price for price in row] for row in result[grid]]
    great_result |= {name: UNITS * TICKS * result[name] for name in ("welfare", "bound")}
    assert promises(great_book, great_result) == promises(book, result)


UNITS, TICKS = 1_000, 10**13
EMPTY = {
    "asks": ("pool", "first", "last", "quantity", "price", "placed"),
    "bids": ("quantity", "minimum", "duration", "earliest", "latest", "placed"),
    "options": ("bid", "pool", "price"),
}


@given(st.data(), any_book)
@settings(PATIENT, max_examples=100)
def test_the_bound_is_exact_at_any_double(data: st.DataObject, book: Book) -> None:
    number = st.floats(-20, 20) | st.integers(-80, 80).map(lambda n: n / 8)
    row = st.lists(number, min_size=book["slots"], max_size=book["slots"])
    prices = data.draw(st.lists(row, min_size=book["pools"], max_size=book["pools"]))
    exactly = bound(book, [[Fraction(price) for price in row] for row in prices])
    assert certificate.bound(read_book(book), np.array(prices)) == exactly


def test_the_bound_of_a_book_without_orders_is_exact_at_the_least_double() -> None:
    nobody = {name: {column: [] for column in columns} for name, columns in EMPTY.items()}
    book = read_book({"slots": 1, "pools": 1, **nobody})
    assert certificate.bound(book, np.array([[5e-324]])) == 0


@given(any_book)
@settings(PATIENT, max_examples=100)
def test_of_the_best_results_one_at_least_keeps_every_promise(book: Book) -> None:
    _, attained = best_allocations(book)
    found = [promises(book, as_result(book, allocation)) for allocation in attained]
    assert set() in found
    assert all(broken <= {5} for broken in found), "the best welfare leaves only priority to settle"


NUMBERS = (-1, 0, 1, 99, 2**53, 2**62, 2**70, -(2**70), 0.5, float("nan"), float("inf"))
NONSENSE = st.sampled_from([*NUMBERS, None, True, "5", [], {}, [[]]])


@given(st.data(), books(bundles=True))
@settings(PATIENT, max_examples=200)
def test_a_result_however_wrong_is_judged(data: st.DataObject, book: Book) -> None:
    result = data.draw(feasible_results(book))
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = result
        while isinstance(place, dict | list) and place:
            keys = sorted(place) if isinstance(place, dict) else range(len(place))
            key = data.draw(st.sampled_from(keys))
            if not isinstance(place[key], dict | list) or data.draw(st.sampled_from([False, True, False])):
                place[key] = data.draw(NONSENSE)
                break
            place = place[key]
    assert all(re.match(r"(promise \d \(.+\)|format): .+", sentence) for sentence in violations(book, result))
