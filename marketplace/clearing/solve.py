"""Clear a book: cut it into components, clear each alone, put the results together.

A pure function: the same book gives the same result on every machine and with any number of threads.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from marketplace.clearing.auction import auction, merit_order, separable_pools
from marketplace.clearing.book import Book, Column
from marketplace.clearing.bound import bound_at, bound_prices
from marketplace.clearing.components import Component, labels, split
from marketplace.clearing.construct import Start, construct, construct_in_order
from marketplace.clearing.exact import optimum
from marketplace.clearing.improve import improve
from marketplace.clearing.market import Grid, Market, market
from marketplace.clearing.prices import fills, publish, sales
from marketplace.clearing.repair import repair
from marketplace.clearing.result import Fills, Rejected, Result, Sales
from marketplace.clearing.starts import possible_starts

FEWEST, NEIGHBOURHOODS, NEIGHBOURHOODS_A_BID = 25_000, 10_000, 0.3
TRIAL, TRIAL_A_BID = 4, 40  # a small component's starts get a fourth of the search, or so many a bid
CLOSE = 10_000  # bids; of a component of more, impossible starts are not told apart
LARGE = 2_000  # bids; a component of more has all threads to itself


def solve(book: Book, *, seed: int = 0, effort: float = 1.0, threads: int | None = None) -> Result:
    """Clear the whole book. `effort` scales the search; `threads` changes nothing but the time it takes."""
    separable = separable_pools(book)
    if separable.all() and (np.diff(book.offsets) == 1).all():
        return _auction(book)
    threads = threads or len(os.sched_getaffinity(0))
    label = labels(book) + 1
    label[separable] = 0  # they do not interact: one part for all
    parts = list(split(book, np.unique(label, return_inverse=True)[1]))
    results: dict[int, Result] = {}
    small = [i for i, part in enumerate(parts) if len(part.book.bids) <= LARGE]
    clear = partial(solve_component, seed=seed, effort=effort, parts=len(parts))
    with ThreadPoolExecutor(threads) as pool:
        for i, result in zip(small, pool.map(clear, (parts[i].book for i in small)), strict=True):
            results[i] = result
    for i in sorted(set(range(len(parts))) - set(small)):
        results[i] = clear(parts[i].book, threads=threads)
    return together(book, parts, [results[i] for i in range(len(parts))])


def solve_component(
    book: Book, *, seed: int = 0, effort: float = 1.0, threads: int = 1, parts: int = 1
) -> Result:
    """Clear a component, one of `parts`, rows in the order placed. A plain function, to map over machines."""
    if separable_pools(book).all():
        return _auction(book)
    return _search(book, seed, effort, threads, parts)


def _auction(book: Book) -> Result:
    order = merit_order(book.asks)
    filled, used, prices, lifted, welfare = auction(book, order)
    return Result(
        filled, sales(book.asks, used, order), prices, lifted, welfare, welfare, welfare, Rejected()
    )


def _search(book: Book, seed: int, effort: float, threads: int, parts: int) -> Result:
    certificate, bound = bound_prices(book)
    empty = market(book)
    lifted, most, starts = certificate, bound, None
    if len(book.bids) <= CLOSE:
        starts = possible_starts(empty)
        lifted, most = bound_prices(book, starts)
    tries = int(effort * max(FEWEST, NEIGHBOURHOODS + NEIGHBOURHOODS_A_BID * len(book.bids)))
    start = _begin(empty, lifted, tries, seed, threads)
    welfare, m = start.welfare, start.market
    if starts is not None:
        welfare, most = optimum(m, starts, lifted, most, welfare, parts)
    if welfare < most:
        welfare = _improved(start._replace(welfare=welfare), tries, seed, threads).welfare
    welfare += repair(book, m)
    prices, rejected = publish(m, lifted)
    return Result(
        fills(m),
        sales(book.asks, m.cells["used"], merit_order(book.asks)),
        prices,
        certificate,
        welfare,
        bound,
        min(bound, max(most, welfare)),
        rejected,
    )


def _begin(empty: Market, lifted: Grid, tries: int, seed: int, threads: int) -> Start:
    """The best of the constructions; in a small component each is searched for a while before the choice."""
    begun = [construct(empty, lifted, threads, marginal=True)]
    if len(empty.bids) <= CLOSE:
        begun += [construct(empty, lifted, threads, marginal=False), construct_in_order(empty, lifted)]
    if len(empty.bids) <= LARGE:
        few = min(tries // TRIAL, TRIAL_A_BID * len(empty.bids))
        begun = [_improved(start, few, seed + 1, threads) for start in begun]
    return max(begun, key=lambda start: start.welfare)


def _improved(start: Start, tries: int, seed: int, threads: int) -> Start:
    added = improve(start.market, start.pull, start.values, neighbourhoods=tries, seed=seed, threads=threads)
    return start._replace(welfare=start.welfare + added)


def together(book: Book, parts: list[Component], results: list[Result]) -> Result:
    """One result for the whole book from those of its parts."""
    prices = np.zeros((book.pools, book.slots), np.int64)
    certificate = np.zeros((book.pools, book.slots), results[0].bound_prices.dtype)
    for part, r in zip(parts, results, strict=True):
        prices[part.pools] = r.prices
        certificate[part.pools] = r.bound_prices

    def column(pick: Callable[[Component, Result], Column]) -> Column:
        return np.concatenate([pick(part, r) for part, r in zip(parts, results, strict=True)])

    filled = Fills(
        column(lambda part, r: part.bids[r.fills.bid]),
        column(lambda part, r: part.pools[r.fills.pool]),
        column(lambda part, r: r.fills.start),
        column(lambda part, r: r.fills.quantity),
    )
    sold = Sales(
        column(lambda part, r: part.asks[r.sales.ask]),
        column(lambda part, r: r.sales.first),
        column(lambda part, r: r.sales.last),
        column(lambda part, r: r.sales.quantity),
    )
    rejected = Rejected(
        column(lambda part, r: part.bids[r.paradoxically_rejected.bid]),
        column(lambda part, r: r.paradoxically_rejected.surplus),
    )
    bound = bound_at(book, certificate)  # not the sum, which rounds up once a part
    return Result(
        filled.take(np.argsort(filled.bid)),
        sold.take(np.lexsort((sold.first, sold.ask))),
        prices,
        certificate,
        sum(r.welfare for r in results),
        bound,
        min(bound, sum(r.proven for r in results)),
        rejected.take(np.argsort(rejected.bid)),
    )
