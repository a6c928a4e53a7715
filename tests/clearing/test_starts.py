"""The starts at which a bid could stand at all, and the bound over them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.clearing.book import Book
from marketplace.clearing.bound import bound_at, bound_prices
from marketplace.clearing.market import market
from marketplace.clearing.starts import Starts, possible_starts
from tests.clearing import oracle
from tests.clearing.strategies import PATIENT, books

any_book = st.booleans().flatmap(lambda bundles: books(bundles=bundles))


def placements(starts: Starts) -> set[tuple[int, int, int]]:
    """Bid, option and start of each."""
    found = [
        (bid, option, start)
        for bid, option, first, last, _ in zip(*(column.tolist() for column in starts), strict=True)
        for start in range(first, last + 1)
    ]
    assert len(found) == len(set(found))
    return set(found)


def defined(book: Book) -> set[tuple[int, int, int]]:
    """Those at which the bid alone, with its least units, finds the units and affords the dearest of them."""
    found = set()
    for option, (bid, pool, limit) in enumerate(
        zip(
            *(column.tolist() for column in (book.options.bid, book.options.pool, book.options.price)),
            strict=True,
        )
    ):
        duration, least = int(book.bids.duration[bid]), int(book.bids.minimum[bid])
        for start in range(book.bids.earliest[bid], book.bids.latest[bid] - duration + 1):
            floors = [floor(book, pool, slot, least) for slot in range(start, start + duration)]
            if None not in floors and sum(floors) <= limit * duration:
                found.add((bid, option, start))
    able = {bid for bid, _, _ in found}
    return {row for row in found if book.partner[row[0]] < 0 or book.partner[row[0]] in able}


def floor(book: Book, pool: int, slot: int, units: int) -> int | None:
    """The reserve of the dearest of the cheapest `units`."""
    asks = book.asks
    there = (asks.pool == pool) & (asks.first <= slot) & (slot < asks.last)
    for price, quantity in sorted(
        zip(asks.price[there].tolist(), asks.quantity[there].tolist(), strict=True)
    ):
        units -= quantity
        if units <= 0:
            return price
    return None


@given(any_book)
@settings(PATIENT, max_examples=200)
def test_starts_are_possible_where_the_bid_could_stand_alone(tables: oracle.Book) -> None:
    book = Book.from_json(tables)
    assert placements(possible_starts(market(book))) == defined(book)


@given(any_book)
@settings(PATIENT, max_examples=100)
def test_the_bound_over_possible_starts_is_closer_and_still_a_bound(tables: oracle.Book) -> None:
    book = Book.from_json(tables)
    starts = possible_starts(market(book))
    prices, bound = bound_prices(book, starts, iterations=50)
    assert (
        oracle.best_allocations(tables)[0]
        <= bound
        == bound_at(book, prices, starts)
        <= bound_at(book, prices)
    )
