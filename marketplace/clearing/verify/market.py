"""What the promises are judged on: the book and the result in exact arithmetic, pool by pool and slot by
slot.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .reading import Asks, Book, Integers, Mask, Result, Sales

CELLS = 2**21  # the most cells of a table held at once


@dataclass(frozen=True)
class Market:
    """The book and the result, and what they come to. Grids are pools x slots."""

    book: Book
    result: Result
    never: int  # more than any bid pays for a whole run: the price of a slot in which nothing can be had
    filled: Mask  # by bid
    limit: Integers  # by bid, of the option it took, or 0
    offered: Integers  # units
    left: Integers  # units offered and not sold
    dearest: Integers  # the highest reserve price that sells, or 0
    cheapest_left: Integers  # the lowest reserve price with units left, or `never`

    @property
    def open_prices(self) -> Integers:
        """The published prices, and `never` in a slot where nothing is offered."""
        return np.where(self.offered > 0, self.result.prices, self.never)

    @property
    def next_unit(self) -> Integers:
        """What one more unit would cost: the cheapest ask with units left, else the dearest of those sold
        out.
        """
        least = np.where(self.left > 0, self.cheapest_left, self.dearest)
        return np.where(self.offered > 0, least, self.never)


@dataclass(frozen=True)
class Ladder:
    """A pool's asks in merit order (reserve price, then `placed`) over a range of slots; tables asks x
    slots.
    """

    pool: int
    slots: range
    asks: Integers
    price: Integers
    offered: Integers
    sold: Integers


def ladders(asks: Asks, sales: Sales, slots: int) -> Iterator[Ladder]:
    """Every pool's asks in merit order, a range of slots at a time."""
    order = np.lexsort((asks.placed, asks.price.astype(np.int64), asks.pool))
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    sales_order = np.argsort(position[sales.ask], kind="stable")
    by_position = position[sales.ask][sales_order]
    begin = 0
    for pool, count in zip(*np.unique(asks.pool, return_counts=True), strict=True):
        rows = order[begin : begin + count]
        ends = np.searchsorted(by_position, [begin, begin + count])
        mine = sales_order[ends[0] : ends[1]]
        width = max(1, CELLS // len(rows))
        for first in range(0, slots, width):
            hours = range(first, min(first + width, slots))
            yield Ladder(
                int(pool),
                hours,
                rows,
                asks.price[rows],
                offered=spread(
                    np.arange(count), asks.first[rows], asks.last[rows], asks.quantity[rows], count, hours
                ),
                sold=spread(
                    position[sales.ask[mine]] - begin,
                    sales.first[mine],
                    sales.last[mine],
                    sales.quantity[mine],
                    count,
                    hours,
                ),
            )
        begin += count


def spread(
    row: Integers, first: Integers, last: Integers, quantity: Integers, rows: int, slots: range
) -> Integers:
    """A table rows x slots: the sum of `quantity` over the entries whose [first, last) holds the slot."""
    steps = np.zeros((rows, len(slots) + 1), quantity.dtype)
    np.add.at(steps, (row, np.clip(first - slots.start, 0, len(slots))), quantity)
    np.subtract.at(steps, (row, np.clip(last - slots.start, 0, len(slots))), quantity)
    return steps.cumsum(axis=1)[:, :-1]


def survey(book: Book, result: Result) -> Market:
    """The market that a feasible result makes of its book."""
    shape = (book.pools, book.slots)
    never = _never(book, result)
    dtype = book.asks.quantity.dtype
    filled = np.zeros(len(book.bids.quantity), np.bool_)
    filled[result.fills.bid] = True
    limit = np.zeros(len(book.bids.quantity), dtype)
    limit[result.fills.bid] = book.options.price[fill_options(book, result)]
    offered, left, dearest = (np.zeros(shape, dtype) for _ in range(3))
    cheapest_left = np.full(shape, never, dtype)
    for ladder in ladders(book.asks, result.sales, book.slots):
        cells = ladder.pool, slice(ladder.slots.start, ladder.slots.stop)
        price = ladder.price[:, None]
        offered[cells] = ladder.offered.sum(axis=0)
        left[cells] = (ladder.offered - ladder.sold).sum(axis=0)
        dearest[cells] = np.where(ladder.sold > 0, price, 0).max(axis=0)
        cheapest_left[cells] = np.where(ladder.sold < ladder.offered, price, never).min(axis=0)
    return Market(book, result, never, filled, limit, offered, left, dearest, cheapest_left)


def fill_options(book: Book, result: Result) -> Integers:
    """The option that each fill takes, or -1."""
    if not len(book.options.bid):
        return np.full(len(result.fills.bid), -1)
    key = book.options.bid * book.pools + book.options.pool
    wanted = result.fills.bid * book.pools + result.fills.pool
    row = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where(key[row] == wanted, row, -1)


def exact(book: Book, result: Result) -> tuple[Book, Result]:
    """Both, with quantities and prices as int64 where every sum the audit forms fits, else as Python
    integers.
    """
    units = sum(
        table.quantity.astype(object).sum() for table in (book.asks, book.bids, result.fills, result.sales)
    )
    if 4 * units * book.slots * _never(book, result) < 2**62:
        return book, result

    def wide(column: Integers) -> Integers:
        return column.astype(object)

    return (
        replace(
            book,
            asks=replace(book.asks, quantity=wide(book.asks.quantity), price=wide(book.asks.price)),
            bids=replace(book.bids, quantity=wide(book.bids.quantity)),
            options=replace(book.options, price=wide(book.options.price)),
        ),
        replace(
            result,
            prices=wide(result.prices),
            fills=replace(result.fills, quantity=wide(result.fills.quantity)),
            sales=replace(result.sales, quantity=wide(result.sales.quantity)),
        ),
    )


def _never(book: Book, result: Result) -> int:
    dearest = max(
        int(column.max(initial=0)) for column in (book.asks.price, book.options.price, result.prices)
    )
    return dearest * book.slots + 1
