"""The solver on small books: as good as the oracle where it is exact, within every promise in any case."""

import copy
import json
import random
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marketplace.clearing.exact
from marketplace.clearing.baseline import first_come_first_served
from marketplace.clearing.book import Book
from marketplace.clearing.solve import solve
from marketplace.clearing.verify import violations
from tests.benchmarks.books import BOOKS, flexible
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


@pytest.fixture(scope="module")
def three_markets() -> dict[str, Any]:
    """A component that several workers search at once, one small enough to be proven, one searched alone."""
    parts = [
        flexible(1, bids=2_500, pools=24, slots=48),
        flexible(2, bids=40, pools=2, slots=48, slack=12),
        flexible(3, bids=300, pools=3, slots=48),
    ]
    return beside(*(Book.from_json(part).to_json() for part in parts))


def test_the_number_of_threads_changes_nothing(three_markets: dict[str, Any]) -> None:
    book = Book.from_json(three_markets)
    one, two, four = (json.dumps(solve(book, effort=0.1, threads=threads).to_json()) for threads in (1, 2, 4))
    assert one == two == four
    assert violations(three_markets, json.loads(one)) == []


def test_the_order_of_the_rows_changes_nothing_in_a_large_book(three_markets: dict[str, Any]) -> None:
    shuffled, ask_was, bid_was = shuffle(three_markets, random.Random(5))
    books = (Book.from_json(book) for book in (three_markets, shuffled))
    result, again = (solve(book, effort=0.1).to_json() for book in books)
    assert again["prices"] == result["prices"]
    assert rows(again["fills"], "bid", bid_was) == rows(result["fills"])
    assert rows(again["sales"], "ask", ask_was) == rows(result["sales"])


def test_fewer_nodes_prove_less_but_never_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book.from_json(BOOKS["later-10"]())
    whole = solve(book)
    assert whole.welfare == whole.proven < first_come_first_served(book)[0]
    monkeypatch.setattr(marketplace.clearing.exact, "NODES", 1)
    cut = solve(book)
    assert cut.welfare <= whole.welfare <= cut.proven <= cut.bound


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


def beside(*books: oracle.Book) -> oracle.Book:
    """One book of several that share neither pools nor bids; it has the slots of the first."""
    whole = copy.deepcopy(books[0])
    for book in books[1:]:
        pools, bids = whole["pools"], len(whole["bids"]["placed"])
        placed = 1 + max(max(whole[table]["placed"]) for table in ("asks", "bids"))
        moved = {"pool": pools, "bid": bids, "placed": placed}
        for table in ("asks", "bids", "options"):
            for name, column in book[table].items():
                whole[table][name] += [number + moved.get(name, 0) for number in column]
        whole["pools"] += book["pools"]
    return whole


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
