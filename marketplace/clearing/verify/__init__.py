"""The independent checker: what a result promises, recomputed from the book and the result alone.

Read it beside docs/clearing.md: each function that checks a promise states it in its docstring. Nothing
here is shared with the solver. All arithmetic is exact: int64 where the largest sum that can occur fits,
Python integers where it does not, a Fraction for the bound. There is no tolerance but one: the published
gap may be rounded.

Time and memory are linear in options + asks x slots + pools x slots x distinct durations x log(slots),
save for promises 5 and 6, which take longer the more bids were refused without need.
"""

from typing import Any

from .allocation import infeasible_orders, out_of_merit_order, unbalanced
from .certificate import false_certificate
from .market import exact, survey
from .prices import losses, unexplained_prices
from .reading import BookError, ResultError, read_book, read_result
from .refusals import left_on_table, misreported_paradoxes, passed_over

__all__ = ["BookError", "violations"]


def violations(book: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """One sentence for each promise that the result breaks, naming it and the place; none where all hold.

    Both as parsed from JSON. A result that does not follow the file format gets one sentence that says
    how; one that is not feasible (promise 1) or whose payments differ from its receipts (3) is judged no
    further. Raises BookError.
    """
    read = read_book(book)
    try:
        claimed = read_result(result, read)
    except ResultError as error:
        return [str(error)]
    read, claimed = exact(read, claimed)
    broken = infeasible_orders(read, claimed) or unbalanced(read, claimed)
    if broken:
        return broken
    market = survey(read, claimed)
    return [
        *losses(market),
        *out_of_merit_order(market),
        *passed_over(market),
        *left_on_table(market),
        *misreported_paradoxes(market),
        *unexplained_prices(market),
        *false_certificate(read, claimed),
    ]
