"""The solver on small books: as good as the oracle where it is exact, within every promise in any case."""

import copy
import json
import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marketplace.clearing.exact
from marketplace.clearing.book import Book
from marketplace.clearing.solve import solve
from marketplace.clearing.verify import violations
from tests.clearing import oracle
from tests.clearing.strategies import PATIENT, books

any_book = st.booleans().flatmap(lambda bundles: books(bundles=bundles))


def clear(book: oracle.Book, *, exact: bool) -> oracle.Result:
    """The result as it is published, through JSON; where not exact, every component counts as too large
    to prove.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not exact:
            patch.setattr(marketplace.clearing.exact, "MOST_COEFFICIENTS", -1)
        return json.loads(json.dumps(solve(Book.from_json(book)).to_json()))


@given(any_book)
@settings(PATIENT, max_examples=150)
def test_a_small_book_is_cleared_as_well_as_can_be(book: oracle.Book) -> None:
    result = clear(book, exact=True)
    assert violations(book, result) == []
    assert result["welfare"] == result["proven"] == oracle.best_allocations(book)[0]


@given(any_book)
@settings(PATIENT, max_examples=150)
def test_the_search_keeps_every_promise_and_never_passes_the_best(book: oracle.Book) -> None:
    result = clear(book, exact=False)
    assert violations(book, result) == []
    assert result["welfare"] <= oracle.best_allocations(book)[0] <= result["bound"]


@given(st.booleans().flatmap(lambda bundles: books(bundles=bundles, divisible=False)))
@settings(PATIENT, max_examples=100)
def test_large_numbers_are_cleared_as_small_ones_are(book: oracle.Book) -> None:
    great = copy.deepcopy(book)
    for table, column in product(("asks", "bids", "options"), ("quantity", "minimum", "price")):
        if column in great[table]:
            great[table][column] = [10**6 * number for number in great[table][column]]
    result = clear(great, exact=True)
    assert violations(great, result) == []
    assert result["welfare"] == result["proven"] == 10**12 * oracle.best_allocations(book)[0]


@given(any_book, st.booleans(), st.randoms(use_true_random=False))
@settings(PATIENT, max_examples=100)
def test_the_order_of_the_rows_changes_nothing(book: oracle.Book, exact: bool, chance: random.Random) -> None:
    shuffled, ask_was, bid_was = shuffle(book, chance)
    result, again = clear(book, exact=exact), clear(shuffled, exact=exact)
    assert again["prices"] == result["prices"]
    assert again["bound_prices"] == result["bound_prices"]
    assert rows(again["fills"], "bid", bid_was) == rows(result["fills"])
    assert rows(again["sales"], "ask", ask_was) == rows(result["sales"])


def test_the_bound_counts_a_bid_whose_partner_can_never_be_filled() -> None:
    book = {
        "slots": 1,
        "pools": 1,
        "asks": {"pool": [0], "first": [0], "last": [1], "quantity": [1], "price": [2], "placed": [0]},
        "bids": {
            "quantity": [1, 1],
            "minimum": [1, 1],
            "duration": [1, 1],
            "earliest": [0, 0],
            "latest": [1, 1],
            "placed": [1, 2],
        },
        "options": {"bid": [0], "pool": [0], "price": [9]},
        "bundles": {"bid": [0], "with": [1]},
    }
    result = solve(Book.from_json(book)).to_json()
    assert violations(book, result) == []
    assert (result["welfare"], result["bound"]) == (
        0,
        7,
    )  # max(0, 9 - λ) + max(0, λ - 2) is least for λ in [2, 9]


def shuffle(book: oracle.Book, chance: random.Random) -> tuple[oracle.Book, list[int], list[int]]:
    """The same orders, placed as they were, in other rows; and the row that each ask and bid had before."""
    ask_was = chance.sample(range(len(book["asks"]["placed"])), len(book["asks"]["placed"]))
    bid_was = chance.sample(range(len(book["bids"]["placed"])), len(book["bids"]["placed"]))
    option_was = chance.sample(range(len(book["options"]["bid"])), len(book["options"]["bid"]))
    shuffled = dict(book)
    for table, was in (("asks", ask_was), ("bids", bid_was), ("options", option_was)):
        shuffled[table] = {name: [column[row] for row in was] for name, column in book[table].items()}
    shuffled["options"]["bid"] = [bid_was.index(bid) for bid in shuffled["options"]["bid"]]
    if "bundles" in book:
        shuffled["bundles"] = {
            name: [bid_was.index(bid) for bid in column] for name, column in book["bundles"].items()
        }
    return shuffled, ask_was, bid_was


def rows(
    table: dict[str, list[int]], key: str | None = None, was: list[int] | None = None
) -> list[tuple[int, ...]]:
    columns = table if was is None else table | {key: [was[row] for row in table[key]]}
    return sorted(zip(*columns.values(), strict=True))


def test_a_price_cannot_skip_a_reserve_to_spare_a_bid() -> None:
    """Of three asks the second sells, so the bid under its reserve loses though the third were chosen."""
    book = {
        "slots": 1,
        "pools": 1,
        "asks": {
            "pool": [0, 0, 0],
            "first": [0, 0, 0],
            "last": [1, 1, 1],
            "quantity": [2, 2, 2],
            "price": [1, 5, 6],
            "placed": [0, 1, 2],
        },
        "bids": {
            "quantity": [1, 3],
            "minimum": [1, 3],
            "duration": [1, 1],
            "earliest": [0, 0],
            "latest": [1, 1],
            "placed": [3, 4],
        },
        "options": {"bid": [0, 1], "pool": [0, 0], "price": [4, 9]},
    }
    result = solve(Book.from_json(book)).to_json()
    assert violations(book, result) == []
    assert result["welfare"] == result["proven"] == oracle.best_allocations(book)[0]
