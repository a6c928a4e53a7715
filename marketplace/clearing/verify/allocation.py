"""Promises 1, 3 and 4: what is filled is what is sold, at one price, and the cheaper ask sells first."""

import numpy as np

from .market import Market, fill_options, ladders, spread
from .reading import Book, Integers, Mask, Result
from .report import broken

FEASIBLE = "1 (feasible)"
ONE_PRICE = "3 (one price)"
MERIT = "4 (merit order)"


def infeasible(book: Book, result: Result) -> list[str]:
    """Promise 1. In every pool and slot the units filled are the units sold, and no ask sells more than
    it offers. A bid is filled at most once: in a pool that it names, over one run inside its window, with
    `minimum` to `quantity` units. Of the two bids of a bundle both are filled or neither is.
    """
    return _bad_fills(book, result) or _bad_sales(book, result) or _unbalanced(book, result)


def unequal_money(book: Book, result: Result) -> list[str]:
    """Promise 3. There is one price for each pool and slot (the reader sees to that), so what the bids of
    a pool pay for a slot is what its asks receive: the payments equal the receipts, to the tick.
    """
    paid, received = filled_and_sold(book, result)
    paid, received = (paid * result.prices).sum(axis=1), (received * result.prices).sum(axis=1)
    pools = np.flatnonzero(paid != received)
    return broken(
        ONE_PRICE,
        list(zip(pools, paid[pools], received[pools], strict=True)),
        lambda pool, paid, received: f"pool {pool}: the bids pay {paid}, the asks receive {received}",
    )


def out_of_merit_order(market: Market) -> list[str]:
    """Promise 4. In a pool and slot an ask sells only if every ask at a lower reserve price, and every
    ask at the same reserve price that was placed earlier, is sold out there.
    """
    rows = []
    for ladder in ladders(market.book.asks, market.result.sales, market.book.slots):
        idle = ladder.sold < ladder.offered
        idle_before = np.zeros_like(idle)
        np.logical_or.accumulate(idle[:-1], axis=0, out=idle_before[1:])
        for row, slot in np.argwhere((ladder.sold > 0) & idle_before).tolist():
            sooner = ladder.asks[idle[:, slot].argmax()]
            rows.append((ladder.pool, ladder.slots[slot], ladder.asks[row], sooner))
    price = market.book.asks.price
    return broken(
        MERIT,
        rows,
        lambda pool, slot, ask, sooner: (
            f"pool {pool}, slot {slot}: ask {ask} at {price[ask]} sells, yet ask {sooner} at {price[sooner]} "
            f"{'is cheaper' if price[sooner] < price[ask] else 'was placed earlier'} and has units left"
        ),
    )


def filled_and_sold(book: Book, result: Result) -> tuple[Integers, Integers]:
    """Units by pool and slot."""
    fills, sales = result.fills, result.sales
    end = fills.start + book.bids.duration[fills.bid]
    slots = range(book.slots)
    return (
        spread(fills.pool, fills.start, end, fills.quantity, book.pools, slots),
        spread(book.asks.pool[sales.ask], sales.first, sales.last, sales.quantity, book.pools, slots),
    )


def _bad_fills(book: Book, result: Result) -> list[str]:
    fills, bids = result.fills, book.bids
    unknown = (fills.bid < 0) | (fills.bid >= len(bids.quantity))
    unknown |= (fills.pool < 0) | (fills.pool >= book.pools)
    if unknown.any():
        return broken(FEASIBLE, _rows(unknown), lambda row: f"fills, row {row}: no such bid or pool")
    of = fills.bid
    again = np.zeros(len(of), np.bool_)
    again[np.setdiff1d(np.arange(len(of)), np.unique(of, return_index=True)[1])] = True
    early = fills.start < bids.earliest[of]
    late = fills.start > bids.latest[of] - bids.duration[of]
    filled = np.isin(np.arange(len(bids.quantity)), of)
    torn = filled[book.bundles.bid] != filled[book.bundles.partner]
    return [
        *broken(FEASIBLE, _rows(again), lambda row: f"bid {of[row]} is filled twice"),
        *broken(
            FEASIBLE,
            _rows(fill_options(book, result) < 0),
            lambda row: f"bid {of[row]} is filled in pool {fills.pool[row]}, which it does not name",
        ),
        *broken(
            FEASIBLE,
            _rows(early | late),
            lambda row: (
                f"bid {of[row]} starts at {fills.start[row]} and leaves its window "
                f"[{bids.earliest[of[row]]}, {bids.latest[of[row]]})"
            ),
        ),
        *broken(
            FEASIBLE,
            _rows((fills.quantity < bids.minimum[of]) | (fills.quantity > bids.quantity[of])),
            lambda row: (
                f"bid {of[row]} is filled with {fills.quantity[row]} units, "
                f"not {bids.minimum[of[row]]} to {bids.quantity[of[row]]}"
            ),
        ),
        *broken(
            FEASIBLE,
            _rows(torn),
            lambda row: (
                f"of bundle {row} (bids {book.bundles.bid[row]} and {book.bundles.partner[row]}) "
                "only one bid is filled"
            ),
        ),
    ]


def _bad_sales(book: Book, result: Result) -> list[str]:
    sales, asks = result.sales, book.asks
    unknown = (sales.ask < 0) | (sales.ask >= len(asks.quantity))
    if unknown.any():
        return broken(FEASIBLE, _rows(unknown), lambda row: f"sales, row {row}: no such ask")
    of = sales.ask
    outside = (sales.first < asks.first[of]) | (sales.last > asks.last[of]) | (sales.first >= sales.last)
    order = np.lexsort((sales.first, of))
    overlaps = np.zeros(len(of), np.bool_)
    overlaps[order[1:]] = (np.diff(of[order]) == 0) & (sales.first[order[1:]] < sales.last[order[:-1]])
    return [
        *broken(
            FEASIBLE,
            _rows(outside),
            lambda row: (
                f"ask {of[row]} sells in [{sales.first[row]}, {sales.last[row]}), "
                f"outside its slots [{asks.first[of[row]]}, {asks.last[of[row]]})"
            ),
        ),
        *broken(
            FEASIBLE,
            _rows((sales.quantity < 1) | (sales.quantity > asks.quantity[of])),
            lambda row: f"ask {of[row]} sells {sales.quantity[row]} units, not 1 to {asks.quantity[of[row]]}",
        ),
        *broken(
            FEASIBLE, _rows(overlaps), lambda row: f"ask {of[row]} sells twice in slot {sales.first[row]}"
        ),
    ]


def _unbalanced(book: Book, result: Result) -> list[str]:
    filled, sold = filled_and_sold(book, result)
    return broken(
        FEASIBLE,
        np.argwhere(filled != sold).tolist(),
        lambda pool, slot: (
            f"pool {pool}, slot {slot}: {filled[pool, slot]} units are filled, {sold[pool, slot]} sold"
        ),
    )


def _rows(wrong: Mask) -> list[list[int]]:
    return np.argwhere(wrong).tolist()
