"""Break each promise of a good result in turn: the verifier names the promise, and the place.

The book: pool 0 offers 12 units in every slot (asks 0 and 1 at 10, ask 2 at 20), pool 1 two seats at 5 in
slots 0 and 1. Bids 1 and 2 are twins that do not both fit beside bid 0; bid 3 is cut, since its third
unit would cost 20; bids 4 and 5 are a bundle, and so are 6 and 7, whose seat is out of the money; bid 8
takes what is left.
"""

import copy
import re
from collections.abc import Callable

import pytest

from marketplace.clearing.verify import violations
from tests.clearing.oracle import Allocation, Book, Placement, Result, as_result
from tests.clearing.test_verify import promises

BOOK: Book = {
    "slots": 4,
    "pools": 2,
    "asks": {
        "pool": [0, 0, 0, 1],
        "first": [0, 0, 0, 0],
        "last": [4, 4, 4, 2],
        "quantity": [4, 4, 4, 2],
        "price": [10, 10, 20, 5],
        "placed": [0, 1, 2, 3],
    },
    "bids": {
        "quantity": [6, 4, 4, 4, 1, 1, 1, 1, 2],
        "minimum": [6, 4, 4, 1, 1, 1, 1, 1, 2],
        "duration": [2, 1, 1, 1, 1, 1, 1, 1, 2],
        "earliest": [0, 0, 0, 1, 2, 0, 2, 0, 2],
        "latest": [3, 1, 1, 2, 3, 1, 3, 1, 4],
        "placed": [4, 5, 6, 7, 8, 9, 10, 11, 12],
    },
    "options": {
        "bid": [0, 1, 2, 3, 4, 5, 6, 7, 8],
        "pool": [0, 0, 0, 0, 0, 1, 0, 1, 0],
        "price": [30, 25, 25, 15, 30, 9, 10, 4, 11],
    },
    "bundles": {"bid": [4, 6], "with": [5, 7]},
}
ALLOCATION: Allocation = {
    0: Placement(0, 0, 6, 30),
    1: Placement(0, 0, 4, 25),
    3: Placement(0, 1, 2, 15),
    4: Placement(0, 2, 1, 30),
    5: Placement(1, 0, 1, 9),
    8: Placement(0, 2, 2, 11),
}
PRICES = [[20, 10, 10, 10], [5, 5, 0, 0]]


def good() -> Result:
    return copy.deepcopy(as_result(BOOK, ALLOCATION, PRICES))


def test_the_good_result_keeps_every_promise() -> None:
    assert good()["prices"] == as_result(BOOK, ALLOCATION)["prices"]
    assert good()["paradoxically_rejected"] == {"bid": [2], "surplus": [20]}
    assert violations(BOOK, good()) == []


def test_refused_demand_that_could_pay_may_lift_a_price() -> None:
    assert violations(BOOK, priced(0, 1, 12)) == []  # bid 3 wanted two more units of slot 1, at up to 15
    assert violations(BOOK, priced(0, 0, 25)) == []  # bid 2 wanted slot 0 at up to 25


def priced(pool: int, slot: int, price: int) -> Result:
    """The good allocation with one price changed, all else honestly recomputed."""
    prices = copy.deepcopy(PRICES)
    prices[pool][slot] = price
    return as_result(BOOK, ALLOCATION, prices)


def allocated(*without: int, **extra: Placement) -> Result:
    """Another allocation at the same prices, all else honestly recomputed."""
    allocation = {bid: place for bid, place in ALLOCATION.items() if bid not in without}
    allocation |= {int(name.removeprefix("bid")): place for name, place in extra.items()}
    return as_result(BOOK, dict(sorted(allocation.items())), PRICES)


def edited(table: str, column: str, row: int, change: Callable[[int], object]) -> Result:
    result = good()
    result[table][column][row] = change(result[table][column][row])
    return result


def dropped(table: str, row: int) -> Result:
    result = good()
    for column in result[table].values():
        del column[row]
    return result


def added(table: str, *values: int) -> Result:
    result = good()
    for column, value in zip(result[table].values(), values, strict=True):
        column.append(value)
    return result


def replaced(**values: object) -> Result:
    return good() | values


def handed_over(seller: int, first: int, to: int) -> Result:
    """The sale of one ask from a slot on given to another ask."""
    result = good()
    sales = result["sales"]
    row = next(
        row
        for row in range(len(sales["ask"]))
        if sales["ask"][row] == seller and sales["first"][row] == first
    )
    sales["ask"][row] = to
    return result


def repriced_bound(change: float) -> Result:
    result = good()
    result["bound_prices"][0][0] += change
    return result


SALES = good()["sales"]
LAST_SALE = len(SALES["ask"]) - 1

MUTATIONS = {
    # 1: feasible
    "a bid gets one unit too many": (
        edited("fills", "quantity", 0, lambda q: q + 1),
        {1},
        "bid 0 is filled with 7",
    ),
    "a bid gets less than its minimum": (
        edited("fills", "quantity", 1, lambda q: q - 1),
        {1},
        "bid 1 is filled with 3",
    ),
    "a fill that nobody sells": (
        edited("fills", "quantity", 2, lambda q: q + 1),
        {1, 3},
        "slot 1: 9 units are filled, 8 sold",
    ),
    "a bid starts before its window": (
        edited("fills", "start", 5, lambda s: s - 1),
        {1},
        "bid 8 starts at 1",
    ),
    "a bid ends after its window": (edited("fills", "start", 0, lambda s: s + 2), {1}, "bid 0 starts at 2"),
    "a bid starts far outside the horizon": (
        edited("fills", "start", 0, lambda s: 2**60),
        {1},
        "bid 0 starts",
    ),
    "a bid runs where it has no option": (
        edited("fills", "pool", 0, lambda p: 1),
        {1},
        "bid 0 is filled in pool 1",
    ),
    "a bid runs in no pool at all": (edited("fills", "pool", 0, lambda p: 7), {1}, "fills, row 0"),
    "an unknown bid is filled": (edited("fills", "bid", 0, lambda b: 99), {1}, "fills, row 0"),
    "a bid is filled twice": (added("fills", 8, 0, 2, 2), {1}, "bid 8 is filled twice"),
    "half a bundle is filled": (allocated(5), {1}, "bundle 0 .bids 4 and 5"),
    "a dropped sale": (dropped("sales", 0), {1, 3}, "pool 0, slot 0: 10 units are filled"),
    "a dropped fill": (dropped("fills", 0), {1, 3}, "pool 0, slot 0: 4 units are filled, 10 sold"),
    "an ask sells more than it offers": (
        edited("sales", "quantity", 0, lambda q: 5),
        {1},
        "ask . sells 5 units",
    ),
    "an ask sells outside its slots": (
        edited("sales", "last", LAST_SALE, lambda t: 3),
        {1},
        "ask 3 sells in",
    ),
    "an unknown ask sells": (edited("sales", "ask", 0, lambda a: -1), {1}, "sales, row 0"),
    "an ask sells twice in a slot": (added("sales", 3, 0, 1, 1), {1}, "ask 3 sells twice in slot 0"),
    # 2: individually rational
    "a price one tick under a reserve": (
        priced(0, 0, 19),
        {2},
        "slot 0: ask 2 sells at 19, below its reserve 20",
    ),
    "a buyer charged over the limit": (priced(0, 0, 26), {2}, "bid 1 pays 26 a unit .*its limit of 25"),
    # 3: one price
    "a pool without prices": (replaced(prices=PRICES[:1]), {3}, "one row for each of 2 pools"),
    "a slot without a price": (replaced(prices=[PRICES[0], PRICES[1][:3]]), {3}, "pool 1 must be 4 numbers"),
    "a price of half a tick": (replaced(prices=[PRICES[0], [5.5, 5, 0, 0]]), {3}, "pool 1 must be 4 numbers"),
    "a price below nothing": (replaced(prices=[PRICES[0], [5, 5, 0, -1]]), {3}, "negative"),
    # 4: merit order
    "swapped asks of equal price": (
        handed_over(0, 2, 1),
        {4},
        "slot 2: ask 1 at 10 sells, yet ask 0 at 10 was placed earlier",
    ),
    # 5: priority
    "a rejected twin that was placed earlier": (
        allocated(1, bid2=ALLOCATION[1]),
        {5},
        "bid 1 is refused while bid 2",
    ),
    # 6: nothing left on the table
    "idle room for a bid": (allocated(8), {6}, "bid 8 could start at 2 in pool 0: welfare would rise by 4 "),
    "idle room for a bundle": (allocated(4, 5), {6}, "bids 4 and 5, a bundle.* rise by 24 "),
    # 7: paradoxically rejected
    "a paradoxically rejected bid kept quiet": (
        dropped("paradoxically_rejected", 0),
        {7},
        "bid 2 is refused with a surplus of 20",
    ),
    "a lost surplus made small": (
        edited("paradoxically_rejected", "surplus", 0, lambda s: s - 1),
        {7},
        "of bid 2 is 20, not 19",
    ),
    "a bid out of the money listed": (added("paradoxically_rejected", 7, 1), {7}, "bid 7 is listed"),
    "an accepted bid listed": (added("paradoxically_rejected", 8, 4), {7}, "bid 8 is listed"),
    "a bid listed twice": (added("paradoxically_rejected", 2, 20), {7}, "listed twice"),
    # 8: scarcity only
    "a lifted price that nobody was refused": (
        priced(0, 3, 11),
        {8},
        "slot 3: the price 11 is above the reserve 10",
    ),
    "a price lifted for a bid that could not pay": (
        priced(0, 2, 11),
        {8},
        "slot 2: the price 11 is above the reserve 10",
    ),
    "an unsold slot given away": (priced(1, 1, 4), {8}, "slot 1: nothing sells, yet the price 4 is below"),
    "a price where nothing is offered": (
        priced(1, 3, 1),
        {8},
        "slot 3: nothing is offered, yet the price is 1",
    ),
    # 9: certificate
    "an understated bound": (replaced(bound=good()["bound"] - 1), {9}, "understated"),
    "an overstated bound": (replaced(bound=good()["bound"] + 1), {9}, "overstated"),
    "bound prices that prove less": (repriced_bound(0.75), {9}, "understated"),
    "a pool without bound prices": (replaced(bound_prices=PRICES[:1]), {9}, "one row for each of 2 pools"),
    "a bound price that is no number": (repriced_bound(float("nan")), {9}, "a number past"),
    "a welfare made large": (replaced(welfare=good()["welfare"] + 1), {9}, "the welfare is"),
    "a gap made small": (replaced(gap=good()["gap"] - 0.001), {9}, "the gap is"),
    "more proven than the bound proves": (replaced(proven=good()["bound"] + 1), {9}, "proven"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_names_the_broken_promise(mutation: str) -> None:
    result, broken, sentence = MUTATIONS[mutation]
    found = violations(BOOK, result)
    assert promises(BOOK, result) == broken, found
    assert re.search(sentence, found[0])


def test_a_dearer_ask_that_sells_first_also_loses() -> None:
    assert promises(BOOK, handed_over(0, 2, 2)) == {2, 4, 9}


def test_a_table_that_is_not_there_is_said_in_one_sentence() -> None:
    for table in ("fills", "sales", "paradoxically_rejected"):
        result = good()
        del result[table]
        assert violations(BOOK, result) == [
            f"format: {table} must have the columns {', '.join(good()[table])}"
        ]
