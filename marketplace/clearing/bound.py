"""Prices that bound the welfare of any result: minimise U over prices by subgradient steps."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marketplace.clearing.book import Book


def bound_prices(book: Book, *, iterations: int = 300) -> tuple[NDArray[np.int64], int]:
    """The best prices found (pools x slots) and the bound they certify."""
    asks, bids, options = book.asks, book.bids, book.options
    return _subgradient(  # type: ignore[no-any-return]
        book.pools,
        book.slots,
        *(asks.pool, asks.first, asks.last, asks.quantity, asks.price),
        *(bids.quantity, bids.duration, bids.earliest, bids.latest),
        *(book.offsets, options.pool, options.price),
        iterations,
    )


@njit(cache=True, nogil=True)
def _subgradient(  # type: ignore[no-untyped-def]
    pools,
    slots,
    ask_pool,
    first,
    last,
    offer,
    reserve,
    quantity,
    duration,
    earliest,
    latest,
    option,
    pool,
    limit,
    n,
):
    price = np.zeros((pools, slots))
    for a in range(len(ask_pool)):
        for t in range(first[a], last[a]):
            if price[ask_pool[a], t] < reserve[a]:
                price[ask_pool[a], t] = reserve[a]
    best_price, best = np.zeros((pools, slots), np.int64), np.int64(2**62)
    capacity = np.ones((pools, slots))
    for a in range(len(ask_pool)):
        for t in range(first[a], last[a]):
            capacity[ask_pool[a], t] += offer[a]
    total = np.zeros((pools, slots + 1), np.int64)
    for i in range(n):
        whole = np.empty((pools, slots), np.int64)
        for k in range(pools):
            for t in range(slots):
                whole[k, t] = np.int64(np.rint(price[k, t]))
                total[k, t + 1] = total[k, t] + whole[k, t]
        value = np.int64(0)
        slope = np.zeros((pools, slots + 1))
        for b in range(len(quantity)):
            d = duration[b]
            gain, k_best, t_best = np.int64(0), 0, -1
            for o in range(option[b], option[b + 1]):
                k = pool[o]
                money = limit[o] * d
                for t in range(earliest[b], latest[b] - d + 1):
                    surplus = money - total[k, t + d] + total[k, t]
                    if surplus > gain:
                        gain, k_best, t_best = surplus, k, t
            if t_best >= 0:
                value += gain * quantity[b]
                slope[k_best, t_best] += quantity[b]
                slope[k_best, t_best + d] -= quantity[b]
        for k in range(pools):
            for t in range(1, slots):
                slope[k, t] += slope[k, t - 1]
        for a in range(len(ask_pool)):
            k = ask_pool[a]
            for t in range(first[a], last[a]):
                if whole[k, t] > reserve[a]:
                    value += offer[a] * (whole[k, t] - reserve[a])
                    slope[k, t] -= offer[a]
        if value < best:
            best = value
            best_price[:] = whole
        step = 0.35 / (1.0 + 0.06 * i)
        for k in range(pools):
            for t in range(slots):
                excess = min(2.0, max(-1.0, slope[k, t] / capacity[k, t]))
                price[k, t] = max(0.0, price[k, t] + step * excess * (price[k, t] * 0.5 + 100.0))
    return best_price, best


def bound_at(book: Book, prices: NDArray[np.int64]) -> int:
    """U at the prices."""
    raise NotImplementedError
