"""The textbook case: a uniform-price double auction in every pool and slot.

Where every bid of a pool is divisible to the unit, takes one given slot and names no other pool, each slot
clears alone by two sorts: demand by falling limit, supply by rising reserve, trade until they cross.
Licences of limited supply clear so, and those of unlimited supply: they trade at the posted price.
"""

import numpy as np
from numpy.typing import NDArray

from marketplace.clearing.book import Asks, Book, Column
from marketplace.clearing.compiled import njit
from marketplace.clearing.market import Grid
from marketplace.clearing.result import Fills


def separable_pools(book: Book) -> NDArray[np.bool_]:
    """The pools whose every bid is divisible, single-slot, and names only this pool."""
    bids, options = book.bids, book.options
    simple = (
        (bids.minimum == 1)
        & (bids.latest - bids.earliest == 1)
        & (np.diff(book.offsets) == 1)
        & (book.partner < 0)
    )
    separable = np.ones(book.pools, np.bool_)
    separable[options.pool[~simple[options.bid]]] = False
    return separable


def merit_order(asks: Asks) -> Column:
    """The asks of each pool, the cheapest first, of equal ones the earlier."""
    return _order(asks.pool, asks.price, asks.placed)


def auction(book: Book, row: Column) -> tuple[Fills, Grid, Grid, Grid, int]:
    """Clear a book of separable pools, its asks in merit order being `row`.

    Returns fills, used units, prices, bound prices and welfare.

    At the bound prices the bound is the welfare: divisible single-slot orders have no duality gap.
    """
    bids, asks = book.bids, book.asks
    limit = book.options.price
    cell = book.options.pool * book.slots + bids.earliest
    order = _order(cell, -limit, bids.placed)
    shape = (book.pools, book.slots)
    filled, used, price, bound_price, welfare = _cross(
        *shape,
        order,
        np.searchsorted(cell[order], np.arange(book.pools * book.slots + 1)),
        bids.quantity,
        limit,
        np.searchsorted(asks.pool[row], np.arange(book.pools + 1)),
        *(column[row] for column in (asks.first, asks.last, asks.quantity, asks.price)),
    )
    bid = np.flatnonzero(filled)
    fills = Fills(bid, book.options.pool[bid], bids.earliest[bid], filled[bid])
    return fills, used.reshape(shape), price.reshape(shape), bound_price.reshape(shape), int(welfare)


def _order(group: Column, key: Column, tie: Column) -> Column:
    """`np.lexsort((tie, key, group))`; numbers that fit in one are sorted as one, several times faster."""
    rank = _rank(tie)
    low = int(key.min(initial=0))
    width, rows = int(key.max(initial=0)) - low + 1, len(tie) + 1
    if (int(group.max(initial=0)) + 1) * width * rows >= 2**63:
        return np.lexsort((tie, key, group))
    packed = (group[rank] * width + (key[rank] - low)) * rows + np.arange(len(rank))
    packed.sort()
    order: Column = rank[packed % rows]
    return order


def _rank(key: Column) -> Column:
    """`np.argsort` of different numbers; without sorting where they are not much larger than their count."""
    if not (key[1:] < key[:-1]).any():
        return np.arange(len(key))
    if key.min() < 0 or key.max() >= 4 * len(key):
        return np.argsort(key)
    at = np.full(int(key.max()) + 1, -1)
    at[key] = np.arange(len(key))
    rank: Column = at[at >= 0]
    return rank


@njit(cache=True, nogil=True)
def _cross(  # type: ignore[no-untyped-def]
    pools, slots, order, begin, quantity, limit, ask_begin, first, last, offered, reserve
):
    filled = np.zeros(len(quantity), np.int64)
    used = np.zeros(pools * slots, np.int64)
    price = np.zeros(pools * slots, np.int64)
    bound_price = np.zeros(pools * slots, np.int64)
    welfare = np.int64(0)
    for k in range(pools):
        for t in range(slots):
            cell = k * slots + t
            i, end = begin[cell], begin[cell + 1]
            wanted = quantity[order[i]] if i < end else 0
            low, high = np.int64(0), np.int64(-1)
            for a in range(ask_begin[k], ask_begin[k + 1]):
                if not first[a] <= t < last[a]:
                    continue
                left = offered[a]
                while left > 0 and i < end and limit[order[i]] >= reserve[a]:
                    units = min(left, wanted)
                    filled[order[i]] += units
                    used[cell] += units
                    welfare += units * (limit[order[i]] - reserve[a])
                    low = max(low, reserve[a])
                    high = limit[order[i]]
                    left -= units
                    wanted -= units
                    if wanted == 0:
                        i += 1
                        wanted = quantity[order[i]] if i < end else 0
                if left > 0:
                    high = reserve[a] if used[cell] == 0 else min(high, reserve[a])
                    break
            if used[cell] == 0:
                price[cell] = max(0, high)
                bound_price[cell] = limit[order[i]] if high < 0 and i < end else price[cell]
                continue
            if i < end:
                low = max(low, limit[order[i]])
            price[cell] = bound_price[cell] = (low + high) // 2
    return filled, used, price, bound_price, welfare
