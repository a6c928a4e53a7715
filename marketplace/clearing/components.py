"""Cut a book into parts that clear alone: pools tied by the options of a bid, or of a bundle."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from marketplace.clearing.book import Asks, Bids, Book, Bundles, Column, Options
from marketplace.clearing.compiled import njit


class Component(NamedTuple):
    """A book of its own, rows in the order placed, and what its rows and pools are in the whole."""

    book: Book
    pools: Column
    asks: Column
    bids: Column


def labels(book: Book) -> Column:
    """The component of each pool, numbered by first pools, -1 where no bid names it."""
    return _labels(book.pools, book.offsets, book.options.pool, book.partner)  # type: ignore[no-any-return]


def split(book: Book, label: Column) -> Iterator[Component]:
    """The pools of each label 0, 1, … with their asks and bids; no bid may name pools of two labels.

    A bid that can never be filled, without an option or bundled with one without, goes nowhere.
    """
    groups = int(label.max(initial=-1)) + 1
    fillable = np.diff(book.offsets) > 0
    fillable &= (book.partner < 0) | fillable[book.partner]
    of_bid = np.full(len(book.bids), -1, np.int64)
    of_bid[fillable] = label[book.options.pool[book.offsets[:-1][fillable]]]
    pools = _rows(label, np.arange(book.pools), groups)
    asks = _rows(label[book.asks.pool], book.asks.placed, groups)
    bids = _rows(of_bid, book.bids.placed, groups)
    local_pool, local_bid = np.empty(book.pools, np.int64), np.empty(len(book.bids), np.int64)
    for rows in zip(pools, asks, bids, strict=True):
        local_pool[rows[0]] = np.arange(len(rows[0]))
        local_bid[rows[2]] = np.arange(len(rows[2]))
        yield Component(_part(book, *rows, local_pool, local_bid), *rows)


def _rows(label: Column, key: Column, groups: int) -> list[Column]:
    """For each label the rows that have it, by key."""
    order = np.lexsort((key, label))
    return np.split(order, np.searchsorted(label[order], np.arange(groups + 1)))[1:-1] if groups else []


def _part(
    book: Book, pools: Column, asks: Column, bids: Column, local_pool: Column, local_bid: Column
) -> Book:
    counts = book.offsets[bids + 1] - book.offsets[bids]
    begins = np.cumsum(counts) - counts
    options = np.repeat(book.offsets[bids] - begins, counts) + np.arange(counts.sum())
    partner = book.partner[bids]
    first = np.flatnonzero(partner > bids)
    return Book(
        book.slots,
        len(pools),
        Asks(
            local_pool[book.asks.pool[asks]],
            book.asks.first[asks],
            book.asks.last[asks],
            book.asks.quantity[asks],
            book.asks.price[asks],
            book.asks.placed[asks],
        ),
        Bids(
            book.bids.quantity[bids],
            book.bids.minimum[bids],
            book.bids.duration[bids],
            book.bids.earliest[bids],
            book.bids.latest[bids],
            book.bids.placed[bids],
        ),
        Options(
            np.repeat(np.arange(len(bids)), counts),
            local_pool[book.options.pool[options]],
            book.options.price[options],
        ),
        Bundles(first, local_bid[partner[first]]),
    )


@njit(cache=True, nogil=True)
def _labels(pools, offsets, pool, partner):  # type: ignore[no-untyped-def]
    """Union-find over pools."""
    parent = np.arange(pools)
    named = np.zeros(pools, np.bool_)
    for b in range(len(partner)):
        if offsets[b] == offsets[b + 1]:
            continue
        anchor = pool[offsets[b]]
        for o in range(offsets[b], offsets[b + 1]):
            named[pool[o]] = True
            _join(parent, anchor, pool[o])
        other = partner[b]
        if other > b and offsets[other] < offsets[other + 1]:
            _join(parent, anchor, pool[offsets[other]])
    label = np.full(pools, -1, np.int64)
    count = 0
    for k in range(pools):
        if named[k]:
            root = _root(parent, k)
            if label[root] < 0:
                label[root] = count
                count += 1
            label[k] = label[root]
    return label


@njit(cache=True, nogil=True)
def _root(parent, k):  # type: ignore[no-untyped-def]
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k


@njit(cache=True, nogil=True)
def _join(parent, a, b):  # type: ignore[no-untyped-def]
    a, b = _root(parent, a), _root(parent, b)
    if a != b:
        parent[max(a, b)] = min(a, b)
