"""The benchmark books are valid, the same every time, and as loaded and as shaped as they say."""

import json

import numpy as np
import pytest

from marketplace.clearing.book import Book
from marketplace.clearing.components import labels
from tests.benchmarks.books import BOOKS, DEMAND, LIMIT_MEDIAN, RESERVE_MEDIAN, flexible

LATER = sorted(name for name in BOOKS if name.startswith("later-"))
SMALL = sorted(set(BOOKS) - {"huge", "one-slot", *LATER})


@pytest.mark.parametrize("name", SMALL)
def test_every_book_is_valid(name: str) -> None:
    book = Book.from_json(BOOKS[name]())
    assert len(book.bids) > 0
    assert np.bincount(book.options.bid, minlength=len(book.bids)).min() >= 1


@pytest.mark.parametrize("name", LATER)
def test_a_later_round_has_no_option_that_could_never_hold_its_bid(name: str) -> None:
    book = Book.from_json(BOOKS[name]())
    offered = np.zeros((book.pools, book.slots), np.int64)
    asks = book.asks
    for pool, first, last, units in zip(asks.pool, asks.first, asks.last, asks.quantity, strict=True):
        offered[pool, first:last] += units
    assert len(book.options) > 0
    for bid, pool in zip(book.options.bid, book.options.pool, strict=True):
        starts = range(book.bids.earliest[bid], book.bids.latest[bid] - book.bids.duration[bid] + 1)
        most = max(offered[pool, start : start + book.bids.duration[bid]].min() for start in starts)
        assert most >= book.bids.minimum[bid]


def test_a_seed_gives_one_book() -> None:
    first, second, other = (
        Book.from_json(flexible(seed, bids=500, pools=4, slots=48)).to_json() for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


@pytest.mark.parametrize(("name", "load"), [("large", 1.5), ("milp", 1.5), ("blocks", 3.0)])
def test_demand_is_load_times_the_supply(name: str, load: float) -> None:
    book = Book.from_json(BOOKS[name]())
    demand = (book.bids.quantity * book.bids.duration).sum()
    supply = (book.asks.quantity * (book.asks.last - book.asks.first)).sum()
    assert demand / supply == pytest.approx(load, rel=0.01)


def test_the_large_book_has_the_size_and_prices_it_names() -> None:
    book = Book.from_json(BOOKS["large"]())
    assert (len(book.bids), book.pools, book.slots) == (100_000, 60, 168)
    assert len(book.options) / len(book.bids) == pytest.approx(3.5, abs=0.02)
    assert np.median(book.options.price) == pytest.approx(LIMIT_MEDIAN, rel=0.05)
    assert np.log(book.options.price).std() == pytest.approx(0.35, abs=0.02)
    assert np.median(book.asks.price) == pytest.approx(RESERVE_MEDIAN, rel=0.1)


def test_quantities_are_those_of_the_traces() -> None:
    book = Book.from_json(BOOKS["large"]())
    clusters = json.loads(DEMAND.read_text())["accelerators"]
    counts = {value for cluster in ("kalos", "gavel") for value in clusters[cluster]["value"]}
    assert set(book.bids.quantity.tolist()) <= counts
    single = (book.bids.quantity == 1).mean()
    assert single == pytest.approx((89 / 319 + 975 / 2000) / 2, abs=0.01)


def test_islands_share_no_bid() -> None:
    book = Book.from_json(BOOKS["islands"]())
    assert len(np.unique(labels(book))) >= 1_500


def test_every_bid_fits_into_each_pool_it_accepts() -> None:
    book = Book.from_json(BOOKS["milp"]())
    offered = np.zeros((book.pools, book.slots), np.int64)
    for pool, first, last, units in zip(
        book.asks.pool, book.asks.first, book.asks.last, book.asks.quantity, strict=True
    ):
        offered[pool, first:last] += units
    assert (book.bids.quantity[book.options.bid] <= offered.min(axis=1)[book.options.pool]).all()


def test_the_demand_table_names_its_sources() -> None:
    sources = json.loads(DEMAND.read_text())["sources"]
    assert set(sources) == {"kalos", "gavel", "philly"}
    assert all(source["licence"] and source["from"] and source["paper"] for source in sources.values())
