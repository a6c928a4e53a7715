"""The audit's own reader: a book and a result, as parsed from JSON, become checked columns.

What is wrong with a book raises `BookError`; a result that cannot be read raises `ResultError`. What a
result that can be read promises and does not keep is for the other modules to say.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# int64 where every sum the audit can form fits, else exact Python integers in an object array.
Integers = NDArray[Any]
Mask = NDArray[np.bool_]
LARGEST = 2**53  # beyond it a JSON reader may silently round


class BookError(ValueError):
    """The book breaks the file format; the message says where."""


class ResultError(ValueError):
    """The result breaks the file format; the message says where, and which promise is void for it."""


@dataclass(frozen=True)
class Asks:
    pool: Integers
    first: Integers
    last: Integers
    quantity: Integers
    price: Integers
    placed: Integers


@dataclass(frozen=True)
class Bids:
    quantity: Integers
    minimum: Integers
    duration: Integers
    earliest: Integers
    latest: Integers
    placed: Integers


@dataclass(frozen=True)
class Options:
    """Sorted by bid, then pool."""

    bid: Integers
    pool: Integers
    price: Integers


@dataclass(frozen=True)
class Bundles:
    bid: Integers
    partner: Integers


@dataclass(frozen=True)
class Book:
    slots: int
    pools: int
    asks: Asks
    bids: Bids
    options: Options
    bundles: Bundles


@dataclass(frozen=True)
class Fills:
    bid: Integers
    pool: Integers
    start: Integers
    quantity: Integers


@dataclass(frozen=True)
class Sales:
    ask: Integers
    first: Integers
    last: Integers
    quantity: Integers


@dataclass(frozen=True)
class Result:
    fills: Fills
    sales: Sales
    prices: Integers  # pools x slots
    bound_prices: NDArray[np.float64]  # pools x slots; every double is an exact dyadic rational
    welfare: int
    bound: int | float
    gap: int | float
    proven: int | float  # a claim that only a solver can check; the bound where none is made
    paradoxical: dict[int, int]  # surplus by bid


def read_book(document: Any) -> Book:
    """The book, checked. Raises BookError."""
    if not isinstance(document, dict):
        raise BookError("a book is one JSON object")
    unknown = set(document) - {"slots", "pools", "asks", "bids", "options", "bundles"}
    if unknown:
        raise BookError(f"format: a book has no table {min(unknown)}")
    slots = _size(document, "slots")
    pools = _size(document, "pools")
    asks = Asks(*_columns(document, "asks", Asks.__annotations__, BookError))
    bids = Bids(*_columns(document, "bids", Bids.__annotations__, BookError))
    options = Options(*_columns(document, "options", Options.__annotations__, BookError))
    pairs = document.get("bundles", {"bid": [], "with": []})
    bundles = Bundles(*_columns({"bundles": pairs}, "bundles", ("bid", "with"), BookError))
    members = np.stack([bundles.bid, bundles.partner], axis=1)
    count = len(bids.quantity)
    for table, reason, wrong in (
        ("asks", "its pool does not exist", (asks.pool < 0) | (asks.pool >= pools)),
        ("asks", "its quantity is below 1", asks.quantity < 1),
        ("asks", "its price is negative", asks.price < 0),
        ("asks", "its slots leave the horizon", (asks.first < 0) | (asks.last > slots)),
        ("asks", "it offers no slot", asks.first >= asks.last),
        ("bids", "its minimum is below 1", bids.minimum < 1),
        ("bids", "its minimum is above its quantity", bids.minimum > bids.quantity),
        ("bids", "its duration is below 1", bids.duration < 1),
        ("bids", "its window leaves the horizon", (bids.earliest < 0) | (bids.latest > slots)),
        ("bids", "its window is shorter than its duration", bids.latest - bids.earliest < bids.duration),
        ("options", "its bid does not exist", (options.bid < 0) | (options.bid >= count)),
        ("options", "its pool does not exist", (options.pool < 0) | (options.pool >= pools)),
        ("options", "its price is negative", options.price < 0),
        ("bundles", "its bid does not exist", ((members < 0) | (members >= count)).any(axis=1)),
        ("bundles", "it ties a bid to itself", bundles.bid == bundles.partner),
    ):
        if wrong.any():
            raise BookError(f"{table}, row {wrong.argmax()}: {reason}")
    _refuse_twice(members.ravel(), "bundles: bid {} is in two bundles")
    _refuse_twice(np.concatenate([asks.placed, bids.placed]), "placed: {} comes twice")
    order = np.lexsort((options.pool, options.bid))
    options = Options(options.bid[order], options.pool[order], options.price[order])
    again = (np.diff(options.bid) == 0) & (np.diff(options.pool) == 0)
    if again.any():
        row = int(again.argmax())
        raise BookError(f"options: bid {options.bid[row]} names pool {options.pool[row]} twice")
    bundle = np.arange(count) + len(bundles.bid)  # of each bid: its bundle's row, or a number of its own
    bundle[bundles.bid] = bundle[bundles.partner] = np.arange(len(bundles.bid))
    shared = np.lexsort((options.pool, bundle[options.bid]))
    again = (np.diff(bundle[options.bid][shared]) == 0) & (np.diff(options.pool[shared]) == 0)
    if again.any():
        row = bundle[options.bid[shared[int(again.argmax())]]]
        raise BookError(f"bundles, row {row}: its two bids name one pool")
    return Book(slots, pools, asks, bids, options, bundles)


def read_result(document: Any, book: Book) -> Result:
    """The result, every table of the right shape and type. Raises ResultError."""
    if not isinstance(document, dict):
        raise ResultError("format: a result is one JSON object")
    refused = document.get("paradoxically_rejected")
    listed = _columns(
        {"paradoxically_rejected": refused}, "paradoxically_rejected", ("bid", "surplus"), ResultError
    )
    paradoxical = dict(zip(listed[0].tolist(), listed[1].tolist(), strict=True))
    if len(paradoxical) < len(listed[0]):
        raise ResultError("promise 7 (paradoxical): a bid is listed twice")
    prices = _grid(document, "prices", book, {int}, "promise 3 (one price)")
    if prices.size and prices.min() < 0:
        raise ResultError("promise 3 (one price): a price is negative")
    bound_prices = _grid(document, "bound_prices", book, {int, float}, "promise 9 (certificate)")
    document = {"proven": document.get("bound")} | document
    for name in ("welfare", "bound", "gap", "proven"):
        kinds = (int,) if name == "welfare" else (int, float)
        if type(document.get(name)) not in kinds or not math.isfinite(document[name]):
            raise ResultError(f"promise 9 (certificate): {name} is not a number")
    return Result(
        Fills(*_columns(document, "fills", Fills.__annotations__, ResultError)),
        Sales(*_columns(document, "sales", Sales.__annotations__, ResultError)),
        prices,
        bound_prices.astype(np.float64),
        document["welfare"],
        document["bound"],
        document["gap"],
        document["proven"],
        paradoxical,
    )


def _size(document: dict[str, Any], name: str) -> int:
    size = document.get(name)
    if type(size) is not int or not 1 <= size <= LARGEST:
        raise BookError(f"{name}: not an integer from 1 to 2^53")
    return size


def _columns(
    document: dict[str, Any], table: str, names: Sequence[str] | dict[str, Any], error: type[ValueError]
) -> list[Integers]:
    rows = document.get(table)
    if not isinstance(rows, dict) or set(rows) != set(names):
        raise error(f"format: {table} must have the columns {', '.join(names)}")
    power = 53 if error is BookError else 62  # a result may hold sums of a book's numbers
    for name in names:
        if not isinstance(rows[name], list) or not _all_integers(rows[name], 2**power):
            raise error(f"format: {table}.{name} must be a list of integers within 2^{power}")
    if len({len(rows[name]) for name in names}) > 1:
        raise error(f"format: the columns of {table} have unequal lengths")
    return [np.array(rows[name], np.int64) for name in names]


def _all_integers(values: list[Any], largest: int) -> bool:
    return set(map(type, values)) <= {int} and (
        not values or -largest <= min(values) <= max(values) <= largest
    )


def _grid(document: dict[str, Any], name: str, book: Book, kinds: set[type], promise: str) -> Integers:
    """A number for every pool and slot."""
    rows = document.get(name)
    if not isinstance(rows, list) or len(rows) != book.pools:
        raise ResultError(f"{promise}: {name} must have one row for each of {book.pools} pools")
    for pool, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != book.slots or not set(map(type, row)) <= kinds:
            raise ResultError(f"{promise}: {name} of pool {pool} must be {book.slots} numbers")
        if not all(-LARGEST <= number <= LARGEST for number in row):  # refuses NaN too
            raise ResultError(f"{promise}: {name} of pool {pool} has a number past 2^53")
    return np.array(rows)


def _refuse_twice(values: Integers, sentence: str) -> None:
    values = np.sort(values)
    again = values[1:] == values[:-1]
    if again.any():
        raise BookError(sentence.format(values[int(again.argmax())]))
