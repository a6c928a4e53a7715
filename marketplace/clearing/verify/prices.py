"""Promises 2 and 8: nobody who trades loses, and no price is higher than refused demand explains."""

import numpy as np

from .market import Market
from .report import broken
from .runs import affordable_slots, sums_between

RATIONAL = "2 (individually rational)"
SCARCITY = "8 (scarcity only)"


def losses(market: Market) -> list[str]:
    """Promise 2. For a filled bid, the sum of its slots' prices is at most limit x duration (both times
    `filled` give its payment and its worth); the two bids of a bundle are judged each alone. An ask sells
    in a slot only at a price of at least its reserve.
    """
    book, result = market.book, market.result
    fills, prices = result.fills, result.prices
    end = fills.start + book.bids.duration[fills.bid]
    limit = market.limit[fills.bid]
    price_sum = sums_between(prices, fills.pool, fills.start, end)
    over = np.argwhere(price_sum > limit * (end - fills.start)).tolist()
    under = np.argwhere((market.dearest > prices) & (market.offered > market.left)).tolist()
    return [
        *broken(
            RATIONAL,
            over,
            lambda row: (
                f"bid {fills.bid[row]} pays {price_sum[row]} a unit over slots "
                f"[{fills.start[row]}, {end[row]}) of pool {fills.pool[row]}, "
                f"above its limit of {limit[row]} a slot"
            ),
        ),
        *broken(
            RATIONAL,
            under,
            lambda pool, slot: (
                f"pool {pool}, slot {slot}: ask {_dearest_seller(market, pool, slot)} sells at "
                f"{prices[pool, slot]}, below its reserve {market.dearest[pool, slot]}"
            ),
        ),
    ]


def unexplained_prices(market: Market) -> list[str]:
    """Promise 8. In a slot with units left the price is at most the reserve of the cheapest ask with
    units left, unless demand for it was refused or cut: a bid filled with less than its quantity has an
    option in the pool and a run in its window through the slot that it could pay, limit x duration being
    above the sum over the run of what the next unit of each slot costs (the cheapest ask with units left
    or, with none left, the dearest that sells). Bids of a bundle are judged each alone. Where nothing
    sells, the price is at least the cheapest reserve; where nothing is offered, it is 0.
    """
    book, result, prices = market.book, market.result, market.result.prices
    quantity = np.zeros_like(book.bids.quantity)
    quantity[result.fills.bid] = result.fills.quantity
    short = np.flatnonzero((quantity < book.bids.quantity)[book.options.bid])
    lifted = (market.left > 0) & (prices > market.cheapest_left)
    if lifted.any():
        lifted &= ~affordable_slots(book, market.next_unit, short)
    unsold = (market.offered > 0) & (market.left == market.offered)
    return [
        *broken(
            SCARCITY,
            np.argwhere(lifted).tolist(),
            lambda pool, slot: (
                f"pool {pool}, slot {slot}: the price {prices[pool, slot]} is above the reserve "
                f"{market.cheapest_left[pool, slot]} of units left, and no bid that could pay it was refused"
            ),
        ),
        *broken(
            SCARCITY,
            np.argwhere(unsold & (prices < market.cheapest_left)).tolist(),
            lambda pool, slot: (
                f"pool {pool}, slot {slot}: nothing sells, yet the price {prices[pool, slot]} is below "
                f"the cheapest reserve {market.cheapest_left[pool, slot]}"
            ),
        ),
        *broken(
            SCARCITY,
            np.argwhere((market.offered == 0) & (prices != 0)).tolist(),
            lambda pool, slot: (
                f"pool {pool}, slot {slot}: nothing is offered, yet the price is {prices[pool, slot]}"
            ),
        ),
    ]


def _dearest_seller(market: Market, pool: int, slot: int) -> int:
    asks, sales = market.book.asks, market.result.sales
    here = (asks.pool[sales.ask] == pool) & (sales.first <= slot) & (slot < sales.last)
    sellers = sales.ask[here]
    return int(sellers[asks.price[sellers].argmax()])
