"""Promises 1, 3 and 4: what is filled is what is sold, at one price, and the cheaper ask sells first."""

import numpy as np

from .market import Market, fill_options, ladders, spread
from .reading import Book, Mask, Result
from .report import broken
from .runs import sums_between

FEASIBLE = "1 (feasible)"
ONE_PRICE = "3 (one price)"
MERIT = "4 (merit order)"


def infeasible_orders(book: Book, result: Result) -> list[str]:
    """Promise 1, order by order. A bid is filled at most once: in a pool that it names, over one run
    inside its window, with `minimum` to `quantity` units; of the two bids of a bundle both are filled or
    neither is. An ask sells in its own slots, at most its quantity.
    """
    return _bad_fills(book, result) + _bad_sales(book, result)


def unbalanced(book: Book, result: Result) -> list[str]:
    """Promise 1, slot by slot: in every pool and slot the units filled are the units sold. Promise 3:
    there is one price for each (the reader sees to that), and what the bids of a pool pay is what its
    asks receive, to the tick.
    """
    fills, sales, slots = result.fills, result.sales, range(book.slots)
    end, seller = fills.start + book.bids.duration[fills.bid], book.asks.pool[sales.ask]
    filled = spread(fills.pool, fills.start, end, fills.quantity, book.pools, slots)
    sold = spread(seller, sales.first, sales.last, sales.quantity, book.pools, slots)
    paid, received = np.zeros((2, book.pools), filled.dtype)
    np.add.at(paid, fills.pool, fills.quantity * sums_between(result.prices, fills.pool, fills.start, end))
    np.add.at(received, seller, sales.quantity * sums_between(result.prices, seller, sales.first, sales.last))
    return [
        *broken(
            FEASIBLE,
            np.argwhere(filled != sold).tolist(),
            lambda pool, slot: (
                f"pool {pool}, slot {slot}: {filled[pool, slot]} units are filled, {sold[pool, slot]} sold"
            ),
        ),
        *broken(
            ONE_PRICE,
            np.argwhere(paid != received).tolist(),
            lambda pool: f"pool {pool}: its bids pay {paid[pool]} in all, its asks receive {received[pool]}",
        ),
    ]


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


def _rows(wrong: Mask) -> list[list[int]]:
    return np.argwhere(wrong).tolist()
