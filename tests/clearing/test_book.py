"""A book is read whole or refused with one sentence."""

import copy
import json
import subprocess
import sys

import numpy as np
import pytest

from marketplace.clearing.book import Book, BookError

BOOK = {
    "slots": 168,
    "pools": 2,
    "asks": {"pool": [0], "first": [0], "last": [168], "quantity": [512], "price": [1250], "placed": [0]},
    "bids": {
        "quantity": [64, 1],
        "minimum": [64, 1],
        "duration": [24, 1],
        "earliest": [0, 3],
        "latest": [72, 4],
        "placed": [1, 2],
    },
    "options": {"bid": [0, 0, 1], "pool": [0, 1, 0], "price": [1800, 2100, 9]},
}


def changed(table, column, values):
    book = copy.deepcopy(BOOK)
    book[table][column] = values
    return book


def test_reads_what_it_writes():
    book = BOOK | {"options": BOOK["options"] | {"pool": [0, 1, 1]}, "bundles": {"bid": [], "with": []}}
    assert Book.from_json(BOOK).to_json() == BOOK
    assert Book.from_json(book).to_json() == {k: v for k, v in book.items() if k != "bundles"}


def test_reads_arrays_as_it_reads_lists():
    arrays = {
        k: {c: np.array(v) for c, v in t.items()} if isinstance(t, dict) else t for k, t in BOOK.items()
    }
    assert Book.from_json(arrays).to_json() == BOOK


def test_sorts_options_by_bid_and_pool():
    book = Book.from_json(BOOK | {"options": {"bid": [1, 0, 0], "pool": [0, 1, 0], "price": [9, 2100, 1800]}})
    assert book.to_json() == BOOK
    assert book.offsets.tolist() == [0, 2, 3]


def test_bundles_are_symmetric():
    options = {"bid": [0, 1], "pool": [0, 1], "price": [5, 6]}
    book = Book.from_json(BOOK | {"options": options, "bundles": {"bid": [1], "with": [0]}})
    assert book.partner.tolist() == [1, 0]
    assert book.to_json()["bundles"] == {"bid": [1], "with": [0]}


@pytest.mark.parametrize(
    ("book", "sentence"),
    [
        ([], "a book is a JSON object"),
        ({k: v for k, v in BOOK.items() if k != "slots"}, "the book has no slots"),
        ({k: v for k, v in BOOK.items() if k != "options"}, "the book has no options"),
        (BOOK | {"slots": 0}, "slots must be between 1 and 2^53"),
        (BOOK | {"slots": 1.0}, "slots must be an integer"),
        (BOOK | {"pools": True}, "pools must be an integer"),
        (BOOK | {"pools": 2**40}, f"the book is too large: {2**40} pools x 168 slots"),
        (BOOK | {"offers": {}}, "the book has an unknown table: offers"),
        (BOOK | {"asks": [1]}, "asks must be an object of columns"),
        (BOOK | {"asks": {k: v for k, v in BOOK["asks"].items() if k != "last"}}, "asks has no column last"),
        (changed("asks", "colour", [1]), "asks has an unknown column: colour"),
        (changed("asks", "pool", [0, 1]), "asks has columns of unequal length"),
        (changed("asks", "pool", 3), "asks.pool must be a list of integers"),
        (changed("asks", "pool", [2]), "asks, row 0: the pool does not exist"),
        (changed("asks", "quantity", [0]), "asks, row 0: the quantity must be positive"),
        (changed("asks", "quantity", [-3]), "asks, row 0: the quantity must be positive"),
        (changed("asks", "price", [-1]), "asks, row 0: the price must not be negative"),
        (changed("asks", "last", [169]), "asks, row 0: the slots leave the horizon"),
        (changed("asks", "last", [0]), "asks, row 0: first must come before last"),
        (
            changed("asks", "quantity", [2**53]),
            "the book is worth more than 2^61 ticks in all: too much to add up exactly",
        ),
        (changed("bids", "quantity", [64, 0]), "bids, row 1: the quantity must be positive"),
        (changed("bids", "minimum", [64, 0]), "bids, row 1: the minimum must be positive"),
        (changed("bids", "minimum", [65, 1]), "bids, row 0: the minimum is above the quantity"),
        (changed("bids", "duration", [0, 1]), "bids, row 0: the duration must be positive"),
        (changed("bids", "duration", [73, 1]), "bids, row 0: the window is shorter than the duration"),
        (changed("bids", "latest", [72, 169]), "bids, row 1: the window leaves the horizon"),
        (changed("bids", "earliest", [-1, 3]), "bids, row 0: the window leaves the horizon"),
        (changed("bids", "quantity", [64, 2**53 + 1]), "bids.quantity, row 1: a number past 2^53"),
        (changed("bids", "quantity", [64, 2**70]), "bids.quantity, row 1: a number past 2^53"),
        (changed("bids", "quantity", [64, 1.5]), "bids.quantity, row 1: not an integer"),
        (changed("bids", "quantity", [64, "1"]), "bids.quantity, row 1: not an integer"),
        (changed("bids", "quantity", [64, None]), "bids.quantity, row 1: not an integer"),
        (changed("bids", "quantity", [64, True]), "bids.quantity, row 1: not an integer"),
        (changed("bids", "placed", [1, 0]), "placed must be different in every ask and bid: 0 comes twice"),
        (changed("options", "bid", [0, 0, 2]), "options, row 2: the bid does not exist"),
        (changed("options", "pool", [0, 2, 0]), "options, row 1: the pool does not exist"),
        (changed("options", "pool", [0, 0, 0]), "options, row 1: the bid names this pool twice"),
        (changed("options", "price", [1, -1, 0]), "options, row 1: the price must not be negative"),
        (BOOK | {"bundles": {"bid": [0]}}, "bundles has no column with"),
        (
            BOOK | {"bundles": {"bid": [0], "with": [0]}},
            "bundles, row 0: a bid cannot be bundled with itself",
        ),
        (BOOK | {"bundles": {"bid": [0], "with": [2]}}, "bundles, row 0: the bid does not exist"),
        (BOOK | {"bundles": {"bid": [0, 1], "with": [1, 0]}}, "bundles, row 1: the bid is in two bundles"),
        (BOOK | {"bundles": {"bid": [0], "with": [1]}}, "bundles, row 0: its two bids name the same pool"),
    ],
)
def test_refuses_a_malformed_book(book, sentence):
    with pytest.raises(BookError) as refusal:
        Book.from_json(book)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("text", ["{", json.dumps(changed("asks", "quantity", [0]))])
def test_the_command_says_so_on_one_line_and_writes_nothing(tmp_path, text):
    book, result = tmp_path / "book.json", tmp_path / "result.json"
    book.write_text(text)
    run = subprocess.run(
        [sys.executable, "-m", "marketplace.clearing", "solve", book, result], capture_output=True, text=True
    )
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert not result.exists()
