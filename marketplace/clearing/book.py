"""The book: all asks and bids of one round, as typed columns.

Every column is a one-dimensional int64 array; a row's number is its id. `Book.from_json` refuses a malformed
book with one sentence (`BookError`); a `Book` that exists is valid, and so small in total that no product or
sum the engine forms passes 2**63.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.int64]

LARGEST_NUMBER = 2**53  # beyond it a JSON reader may silently round
LARGEST_WORTH = 2**61  # of all bids, or of all asks, together
LARGEST_CELLS = 2**31  # pools x slots


class BookError(ValueError):
    """The book is malformed; the message says where and how."""


@dataclass(frozen=True, eq=False)
class Asks:
    """Capacity: `quantity` units of `pool` in every slot of [first, last), at `price` or more."""

    pool: Column
    first: Column
    last: Column
    quantity: Column
    price: Column
    placed: Column

    def __len__(self) -> int:
        return len(self.pool)


@dataclass(frozen=True, eq=False)
class Bids:
    """Block orders: `duration` consecutive slots inside [earliest, latest), `minimum` to `quantity` units."""

    quantity: Column
    minimum: Column
    duration: Column
    earliest: Column
    latest: Column
    placed: Column

    def __len__(self) -> int:
        return len(self.quantity)


@dataclass(frozen=True, eq=False)
class Options:
    """The pools each bid accepts, with its limit price there; sorted by (bid, pool)."""

    bid: Column
    pool: Column
    price: Column

    def __len__(self) -> int:
        return len(self.bid)


@dataclass(frozen=True, eq=False)
class Bundles:
    """Pairs of bids that fill together or not at all."""

    bid: Column
    with_: Column

    def __len__(self) -> int:
        return len(self.bid)


@dataclass(frozen=True, eq=False)
class Book:
    slots: int
    pools: int
    asks: Asks
    bids: Bids
    options: Options
    bundles: Bundles

    @cached_property
    def offsets(self) -> Column:
        """Bid b's options are the rows offsets[b] to offsets[b + 1]."""
        counts = np.bincount(self.options.bid, minlength=len(self.bids))
        return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)

    @cached_property
    def partner(self) -> Column:
        """The other bid of each bid's bundle, or -1."""
        partner = np.full(len(self.bids), -1, np.int64)
        partner[self.bundles.bid] = self.bundles.with_
        partner[self.bundles.with_] = self.bundles.bid
        return partner

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Book":
        """Read and check the JSON form (lists or int64 arrays). Raises BookError."""
        if not isinstance(document, Mapping):
            raise BookError("a book is a JSON object")
        unknown = set(document) - {"slots", "pools", "asks", "bids", "options", "bundles"}
        if unknown:
            raise BookError(f"the book has an unknown table: {min(map(str, unknown))}")
        slots = _scalar(document, "slots")
        pools = _scalar(document, "pools")
        if slots * pools > LARGEST_CELLS:
            raise BookError(f"the book is too large: {pools} pools x {slots} slots")
        asks = Asks(*_table(document, "asks", Asks))
        bids = Bids(*_table(document, "bids", Bids))
        options = Options(*_table(document, "options", Options))
        bundles = Bundles(*_table({"bundles": {"bid": [], "with": []}} | dict(document), "bundles", Bundles))
        _check_asks(asks, slots, pools)
        _check_bids(bids, slots)
        options = _check_options(options, bids, pools)
        _check_bundles(bundles, bids, options, pools)
        _check_placed(asks, bids)
        _check_worth(asks, bids, options)
        return cls(slots, pools, asks, bids, options, bundles)

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {"slots": self.slots, "pools": self.pools}
        for name in ("asks", "bids", "options", "bundles"):
            table = getattr(self, name)
            document[name] = {_key(f.name): getattr(table, f.name).tolist() for f in fields(table)}
        if not len(self.bundles):
            del document["bundles"]
        return document


def _key(field: str) -> str:
    return field.rstrip("_")  # "with" is a word of Python


def _scalar(document: Mapping[str, Any], name: str) -> int:
    if name not in document:
        raise BookError(f"the book has no {name}")
    number = document[name]
    if type(number) is not int:
        raise BookError(f"{name} must be an integer")
    if not 1 <= number <= LARGEST_NUMBER:
        raise BookError(f"{name} must be between 1 and 2^53")
    return number


def _table(document: Mapping[str, Any], name: str, table: type) -> Iterable[Column]:
    if name not in document:
        raise BookError(f"the book has no {name}")
    rows = document[name]
    if not isinstance(rows, Mapping):
        raise BookError(f"{name} must be an object of columns")
    names = [_key(f.name) for f in fields(table)]
    unknown = set(rows) - set(names)
    if unknown:
        raise BookError(f"{name} has an unknown column: {min(map(str, unknown))}")
    missing = [key for key in names if key not in rows]
    if missing:
        raise BookError(f"{name} has no column {missing[0]}")
    columns = [_column(rows[key], f"{name}.{key}") for key in names]
    if len({len(column) for column in columns}) > 1:
        raise BookError(f"{name} has columns of unequal length")
    return columns


def _column(values: Any, name: str) -> Column:
    if isinstance(values, np.ndarray):
        if values.ndim != 1 or values.dtype != np.int64:
            raise BookError(f"{name} must be a one-dimensional int64 array")
        column = values
    elif isinstance(values, list):
        if set(map(type, values)) - {int}:
            row = next(i for i, value in enumerate(values) if type(value) is not int)
            raise BookError(f"{name}, row {row}: not an integer")
        if values and not -LARGEST_NUMBER <= min(values) <= max(values) <= LARGEST_NUMBER:
            row = next(i for i, value in enumerate(values) if abs(value) > LARGEST_NUMBER)
            raise BookError(f"{name}, row {row}: a number past 2^53")
        column = np.array(values, np.int64)
    else:
        raise BookError(f"{name} must be a list of integers")
    _refuse(np.abs(column) > LARGEST_NUMBER, name, "a number past 2^53")
    return column


def _refuse(wrong: NDArray[np.bool_], table: str, reason: str) -> None:
    """Raise a BookError that names the first row that is wrong, if any is."""
    if wrong.any():
        raise BookError(f"{table}, row {int(wrong.argmax())}: {reason}")


def _check_asks(asks: Asks, slots: int, pools: int) -> None:
    _refuse((asks.pool < 0) | (asks.pool >= pools), "asks", "the pool does not exist")
    _refuse(asks.quantity <= 0, "asks", "the quantity must be positive")
    _refuse(asks.price < 0, "asks", "the price must not be negative")
    _refuse((asks.first < 0) | (asks.last > slots), "asks", "the slots leave the horizon")
    _refuse(asks.first >= asks.last, "asks", "first must come before last")


def _check_bids(bids: Bids, slots: int) -> None:
    _refuse(bids.quantity <= 0, "bids", "the quantity must be positive")
    _refuse(bids.minimum <= 0, "bids", "the minimum must be positive")
    _refuse(bids.minimum > bids.quantity, "bids", "the minimum is above the quantity")
    _refuse(bids.duration <= 0, "bids", "the duration must be positive")
    _refuse((bids.earliest < 0) | (bids.latest > slots), "bids", "the window leaves the horizon")
    _refuse(bids.latest - bids.earliest < bids.duration, "bids", "the window is shorter than the duration")


def _check_options(options: Options, bids: Bids, pools: int) -> Options:
    """The options sorted by (bid, pool)."""
    _refuse((options.bid < 0) | (options.bid >= len(bids)), "options", "the bid does not exist")
    _refuse((options.pool < 0) | (options.pool >= pools), "options", "the pool does not exist")
    _refuse(options.price < 0, "options", "the price must not be negative")
    key = options.bid * pools + options.pool
    order = np.arange(len(key)) if (key[1:] > key[:-1]).all() else np.argsort(key, kind="stable")
    repeated = np.zeros(len(key), np.bool_)
    repeated[order[1:]] = key[order[1:]] == key[order[:-1]]
    _refuse(repeated, "options", "the bid names this pool twice")
    return Options(options.bid[order], options.pool[order], options.price[order])


def _check_bundles(bundles: Bundles, bids: Bids, options: Options, pools: int) -> None:
    members = np.concatenate([bundles.bid, bundles.with_])
    row = np.concatenate([np.arange(len(bundles))] * 2)
    for wrong, reason in (
        ((members < 0) | (members >= len(bids)), "the bid does not exist"),
        (np.concatenate([bundles.bid == bundles.with_] * 2), "a bid cannot be bundled with itself"),
    ):
        if wrong.any():
            raise BookError(f"bundles, row {int(row[wrong].min())}: {reason}")
    order = np.argsort(members, kind="stable")
    twice = members[order[1:]] == members[order[:-1]]
    if twice.any():
        later = np.maximum(row[order[1:]], row[order[:-1]])
        raise BookError(f"bundles, row {int(later[twice].min())}: the bid is in two bundles")
    bundle = np.full(len(bids), -1, np.int64)
    bundle[bundles.bid] = bundle[bundles.with_] = np.arange(len(bundles))
    named = bundle[options.bid]
    cell = np.sort(named[named >= 0] * pools + options.pool[named >= 0])
    shared = cell[1:][cell[1:] == cell[:-1]]
    if len(shared):
        raise BookError(f"bundles, row {int(shared[0] // pools)}: its two bids name the same pool")


def _check_placed(asks: Asks, bids: Bids) -> None:
    """`placed` is one total order over asks and bids."""
    placed = np.sort(np.concatenate([asks.placed, bids.placed]))
    repeated = placed[1:][placed[1:] == placed[:-1]]
    if len(repeated):
        raise BookError(f"placed must be different in every ask and bid: {int(repeated[0])} comes twice")


def _check_worth(asks: Asks, bids: Bids, options: Options) -> None:
    """All products and sums the engine forms must fit 64 bits; doubles suffice to tell with room to spare."""
    offered = (asks.quantity * (asks.last - asks.first).astype(np.float64) * np.maximum(asks.price, 1)).sum()
    size = bids.quantity * bids.duration.astype(np.float64)
    wanted = (size[options.bid] * np.maximum(options.price, 1)).sum() + size.sum()
    dearest = max(1, options.price.max(initial=0), asks.price.max(initial=0))
    if max(offered, wanted) > LARGEST_WORTH:
        raise BookError("the book is worth more than 2^61 ticks in all: too much to add up exactly")
    if max(asks.quantity.sum(dtype=np.float64), size.max(initial=0)) * float(dearest) > LARGEST_WORTH:
        raise BookError("the largest quantity at the highest price is worth more than 2^61 ticks")
