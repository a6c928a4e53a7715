"""Promise 9: the welfare is what the fills are worth, and the bound is what its prices prove."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .market import CELLS, fill_options
from .reading import Book, Integers, Result
from .runs import lowest_run

CERTIFICATE = "promise 9 (certificate)"
GAP_ROUNDING = Fraction(5, 100_000)  # a gap may be published with four digits


def welfare(book: Book, result: Result) -> int:
    """Limits of the units filled, less the reserve prices of the units sold."""
    fills, sales = result.fills, result.sales
    limit = book.options.price[fill_options(book, result)]
    worth = limit * book.bids.duration[fills.bid] * fills.quantity
    cost = book.asks.price[sales.ask] * (sales.last - sales.first) * sales.quantity
    return int(worth.sum()) - int(cost.sum())


def bound(book: Book, bound_prices: NDArray[np.float64]) -> Fraction:
    """U, exactly: every double is an integer over a power of two.

    U(λ) = Σ_bids max(0, max over options o and starts s of
                         quantity·(limit_o·duration − Σ_{s ≤ t < s+duration} λ_{pool(o),t}))
         + Σ_asks Σ_{first ≤ t < last} quantity·max(0, λ_{pool,t} − reserve)

    No feasible result has more welfare, whatever the sign of λ: its welfare is the sum over bids of
    filled·(limit·duration − Σλ) plus the sum over asks and slots of sold·(λ − reserve), since the units
    filled are the units sold; and each term of that is at most its term of U.
    """
    grid, denominator = _over_common_denominator(book, bound_prices)
    total = int(np.maximum(best_gains(book, grid, denominator), 0).sum())
    asks = book.asks
    reserve = asks.price.astype(grid.dtype) * denominator
    slots = np.arange(book.slots)
    width = max(1, CELLS // book.slots)
    for begin in range(0, len(asks.pool), width):
        rows = slice(begin, begin + width)
        surplus = np.maximum(grid[asks.pool[rows]] - reserve[rows, None], 0)
        offered = (asks.first[rows, None] <= slots) & (slots < asks.last[rows, None])
        total += int(((surplus * offered).sum(axis=1) * asks.quantity[rows]).sum())
    return Fraction(total, denominator)


def best_gains(book: Book, grid: Integers, denominator: int = 1) -> Integers:
    """For each bid the most that its whole quantity could gain over its options and starts at the prices
    grid/denominator, times the denominator; -1 for a bid without options. May be negative.
    """
    options, bids = book.options, book.bids
    gains = np.full(len(bids.quantity), -1, grid.dtype)
    if len(options.bid):
        lowest = lowest_run(book, grid, np.arange(len(options.bid)))
        worth = options.price.astype(grid.dtype) * denominator * bids.duration[options.bid]
        rows = np.flatnonzero(np.diff(options.bid, prepend=-1))
        gains[options.bid[rows]] = np.maximum.reduceat(bids.quantity[options.bid] * (worth - lowest), rows)
    return gains


def false_certificate(book: Book, result: Result) -> list[str]:
    """Promise 9. `welfare` is that of the fills and sales; `bound` is U(bound_prices) rounded to a
    neighbouring integer or not at all (welfare being an integer, U rounded down still bounds it); the
    welfare is not above it; `gap` is (U - W)/U, or 0 where U is 0, to four digits or better. `proven`,
    where given, lies between the two: no more can be said of it without solving the book again.
    """
    found = []
    worth, highest = welfare(book, result), bound(book, result.bound_prices)
    if result.welfare != worth:
        found.append(f"{CERTIFICATE}: the welfare is {worth}, not {result.welfare}")
    if result.bound < highest.__floor__():
        found.append(
            f"{CERTIFICATE}: the bound {result.bound} is understated: its prices prove {_figure(highest)}"
        )
    if result.bound > highest.__ceil__():
        found.append(
            f"{CERTIFICATE}: the bound {result.bound} is overstated: its prices prove {_figure(highest)}"
        )
    if worth > highest:
        found.append(f"{CERTIFICATE}: the welfare {worth} is above the bound {_figure(highest)}")
    limit = Fraction(result.bound)
    gap = (limit - result.welfare) / limit if limit else Fraction(0)
    if abs(Fraction(result.gap) - gap) > GAP_ROUNDING:
        found.append(f"{CERTIFICATE}: the gap is {float(gap):.6f}, not {result.gap}")
    if not result.welfare <= result.proven <= result.bound:
        found.append(f"{CERTIFICATE}: proven {result.proven} is not between the welfare and the bound")
    return found


def _over_common_denominator(book: Book, numbers: NDArray[np.float64]) -> tuple[Integers, int]:
    """The numbers as integers over one power of two, and that power."""
    mantissa, exponent = np.frexp(numbers)
    digits = np.ldexp(mantissa, 53).astype(np.int64)
    lowest_bit = np.frexp((digits & -digits).astype(np.float64))[1] - 1
    places = np.where(digits == 0, 0, 53 - exponent - lowest_bit)  # binary places after the point
    denominator = 2 ** max(0, int(places.max(initial=0)))
    largest = int(np.abs(numbers).max(initial=0)) + 1
    dearest = max(int(column.max(initial=0)) for column in (book.asks.price, book.options.price))
    units = book.asks.quantity.astype(object).sum() + book.bids.quantity.astype(object).sum()
    if 4 * max(units, 1) * book.slots * (largest + dearest) * denominator < 2**62:
        return (numbers * denominator).astype(np.int64), denominator
    return _exact_integers(digits, exponent - 53, denominator), denominator


def _exact_integers(digits: Integers, exponent: Integers, denominator: int) -> Any:
    """digits · 2^exponent · denominator, in Python integers."""
    shift = exponent + (denominator.bit_length() - 1)
    up, down = np.maximum(shift, 0).astype(object), np.maximum(-shift, 0).astype(object)
    return (digits.astype(object) << up) >> down


def _figure(number: Fraction) -> str:
    return str(number.numerator) if number.denominator == 1 else f"{float(number):.6f}"
