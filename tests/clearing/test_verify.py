"""The verifier against plain readings of the promises, on results good and bad."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.clearing.verify import violations
from tests.clearing.oracle import Book, Result, as_result, best_allocations
from tests.clearing.reference import broken_promises
from tests.clearing.strategies import books, feasible_results


def promises(book: Book, result: Result) -> set[int]:
    """The numbers of the promises that the verifier finds broken."""
    return {int(re.match(r"promise (\d)", sentence)[1]) for sentence in violations(book, result)}


@given(st.data(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_finds_what_a_plain_reading_of_each_promise_finds(data: st.DataObject, bundles: bool) -> None:
    book = data.draw(books(bundles=bundles))
    result = data.draw(feasible_results(book))
    assert promises(book, result) == broken_promises(book, result)


@given(st.booleans().flatmap(lambda bundles: books(bundles=bundles)))
@settings(max_examples=100, deadline=None)
def test_of_the_best_results_one_at_least_keeps_every_promise(book: Book) -> None:
    _, attained = best_allocations(book)
    found = [promises(book, as_result(book, allocation)) for allocation in attained]
    assert set() in found
    assert all(broken <= {5} for broken in found), "the best welfare leaves only priority to settle"
