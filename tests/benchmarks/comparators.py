"""What the field offers, on the same books: HiGHS, ASSUME's pay-as-clear, lightmatchingengine, NumPy's sort.

    python -m tests.benchmarks.comparators {relaxation,milp,guarded} BOOK [SECONDS]
    python -m tests.benchmarks.comparators {relaxation,assume,matching,argsort} ORDERS

It runs in an environment of its own, which has the comparators and nothing of the project's. A number in
place of a book's name is a one-slot book of so many orders. Each prints its figures as one line of JSON.
"""

import argparse
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from tests.benchmarks.books import BOOKS, Tables, one_slot
from tests.benchmarks.figures import Figures, clock, report


def placements(book: Tables) -> tuple[np.ndarray, np.ndarray]:
    """Every option at every start: the option's row, and the start."""
    bids, bid = book["bids"], book["options"]["bid"]
    earliest = bids["earliest"][bid]
    starts = bids["latest"][bid] - bids["duration"][bid] - earliest + 1
    option = np.repeat(np.arange(len(bid)), starts)
    return option, np.arange(len(option)) - np.repeat(np.cumsum(starts) - starts, starts) + earliest[option]


def program(book: Tables, *, whole: bool):
    """The book as a HiGHS model: the linear relaxation, or with `whole` the mixed-integer program.

    Rows: a balance for each pool and slot, then one for each bid. Columns: the units sold of each ask and
    slot, then the share of its quantity that a bid fills at each placement: a binary where the bid is
    all-or-none. Where it is not, `whole` adds a binary that opens the placement, with two rows that tie
    the share to it: minimum/quantity·open <= share <= open.
    """
    import highspy

    asks, bids, options = book["asks"], book["bids"], book["options"]
    slots, cells, rows = book["slots"], book["pools"] * book["slots"], len(bids["quantity"])
    lengths = asks["last"] - asks["first"]
    ask = np.repeat(np.arange(len(lengths)), lengths)
    slot = np.arange(len(ask)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + asks["first"][ask]
    option, start = placements(book)
    bid = options["bid"][option]
    quantity, duration = bids["quantity"][bid].astype(float), bids["duration"][bid]
    divisible = np.flatnonzero(bids["minimum"][bid] < quantity) if whole else np.zeros(0, np.int64)
    n, m = len(option), len(divisible)

    run = np.repeat(np.arange(n), duration)
    offset = np.arange(len(run)) - np.repeat(np.cumsum(duration) - duration, duration)
    balance = (options["pool"][option] * slots + start)[run] + offset
    share = len(ask) + np.arange(n)
    opened = len(ask) + n + np.arange(m)
    counted = share.copy()
    counted[divisible] = opened
    most, least = cells + rows + np.arange(m), cells + rows + m + np.arange(m)
    entries = [
        (asks["pool"][ask] * slots + slot, np.arange(len(ask)), -np.ones(len(ask))),
        (balance, share[run], quantity[run]),
        (cells + bid, counted, np.ones(n)),
        (most, share[divisible], np.ones(m)),
        (most, opened, -np.ones(m)),
        (least, share[divisible], np.ones(m)),
        (least, opened, -(bids["minimum"][bid] / quantity)[divisible]),
    ]
    row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
    order = np.lexsort((row, column))
    none, infinity = np.zeros(m), np.full(m, highspy.kHighsInf)
    worth = options["price"][option] * duration * quantity
    lp = highspy.HighsLp()
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_ = np.concatenate([-asks["price"][ask], worth, none])
    lp.num_col_ = len(lp.col_cost_)
    lp.col_lower_ = np.zeros(lp.num_col_)
    lp.col_upper_ = np.concatenate([asks["quantity"][ask], np.ones(n + m)])
    lp.row_lower_ = np.concatenate([np.full(cells + rows, -highspy.kHighsInf), -infinity, none])
    lp.row_upper_ = np.concatenate([np.zeros(cells), np.ones(rows), none, infinity])
    lp.num_row_ = len(lp.row_lower_)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.searchsorted(column[order], np.arange(lp.num_col_ + 1)).astype(np.int32)
    lp.a_matrix_.index_ = row[order].astype(np.int32)
    lp.a_matrix_.value_ = value[order]
    if whole:
        binary = np.zeros(lp.num_col_, bool)
        binary[counted] = True
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[number] for number in binary.tolist()]
    return lp


def guard(solver, book: Tables) -> None:
    """Add to the mixed-integer program that no accepted bid loses, even at the lowest prices.

    A price for each pool and slot, a binary for each ask and slot that says whether it sells: the price is
    at least its reserve where it does, and a placement that is taken affords the prices of its slots.
    """
    import highspy

    asks, bids, options, slots = book["asks"], book["bids"], book["options"], book["slots"]
    infinity, columns = highspy.kHighsInf, solver.getNumCol()
    lengths = asks["last"] - asks["first"]
    ask = np.repeat(np.arange(len(lengths)), lengths)
    slot = np.arange(len(ask)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + asks["first"][ask]
    cell = asks["pool"][ask] * slots + slot
    dearest = np.zeros(book["pools"] * slots)
    np.maximum.at(dearest, cell, asks["price"][ask])
    for most in dearest.tolist():
        solver.addCol(0.0, 0.0, most, 0, [], [])
    for sold, (row, price) in enumerate(zip(ask.tolist(), (columns + cell).tolist(), strict=True)):
        sells = solver.getNumCol()
        solver.addCol(0.0, 0.0, 1.0, 0, [], [])
        solver.changeColIntegrality(sells, highspy.HighsVarType.kInteger)
        solver.addRow(-infinity, 0.0, 2, [sold, sells], [1.0, -float(asks["quantity"][row])])
        solver.addRow(0.0, infinity, 2, [price, sells], [1.0, -float(asks["price"][row])])
    option, start = placements(book)
    bid = options["bid"][option]
    divisible = np.flatnonzero(bids["minimum"][bid] < bids["quantity"][bid])
    taken = len(ask) + np.arange(len(option))
    taken[divisible] = len(ask) + len(option) + np.arange(len(divisible))
    first = options["pool"][option] * slots + start
    for column, low, duration, limit in zip(
        taken.tolist(),
        first.tolist(),
        bids["duration"][bid].tolist(),
        options["price"][option].tolist(),
        strict=True,
    ):
        excess = float(dearest[low : low + duration].sum()) - limit * duration
        if excess > 0:
            prices = list(range(columns + low, columns + low + duration))
            values = [1.0] * duration + [excess]
            solver.addRow(-infinity, limit * duration + excess, duration + 1, [*prices, column], values)


def highs(book: Tables, seconds: float, *, whole: bool, guarded: bool = False) -> Figures:
    import highspy

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("time_limit", seconds)
    solver.setOptionValue("mip_rel_gap", 0.0)
    model = program(book, whole=whole)
    with clock() as spent:
        solver.passModel(model)
        if guarded:
            guard(solver, book)
        solver.run()
    info = solver.getInfo()
    found = info.objective_function_value if np.isfinite(info.objective_function_value) else 0.0
    status = solver.modelStatusToString(solver.getModelStatus())
    return {**spent, "welfare": found, "status": status}


def relaxation(book: Tables, seconds: float) -> Figures:
    return highs(book, seconds, whole=False)


def milp(book: Tables, seconds: float) -> Figures:
    return highs(book, seconds, whole=True)


def guarded(book: Tables, seconds: float) -> Figures:
    return highs(book, seconds, whole=True, guarded=True)


def assume(book: Tables, _: float) -> Figures:
    """ASSUME's uniform-price clearing of one hour; demand has negative volumes there."""
    from assume.markets.clearing_algorithms.simple import PayAsClearRole

    start = datetime(2026, 1, 1)  # noqa: DTZ001  (ASSUME's clock has no zone)
    product = (start, start + timedelta(hours=1), None)
    hour = dict(zip(("start_time", "end_time", "only_hours"), product, strict=True))
    sides = (
        (book["asks"]["price"], book["asks"]["quantity"]),
        (book["options"]["price"], -book["bids"]["quantity"]),
    )
    orders = [
        {**hour, "price": price, "volume": volume, "node": None, "agent_addr": None, "bid_id": None}
        for prices, volumes in sides
        for price, volume in zip(prices.tolist(), volumes.tolist(), strict=True)
    ]
    with clock() as spent:
        _, _, meta, _ = PayAsClearRole.clear(object.__new__(PayAsClearRole), orders, [product])
    return {**spent, "volume": meta[0]["supply_volume"], "price": meta[0]["price"]}


def matching(book: Tables, _: float) -> Figures:
    """A continuous limit order book: the orders in the order placed, matched one by one."""
    from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

    asks, bids = book["asks"], book["bids"]
    side = np.repeat([Side.SELL, Side.BUY], [len(asks["price"]), len(bids["quantity"])])
    price = np.concatenate([asks["price"], book["options"]["price"]])
    quantity = np.concatenate([asks["quantity"], bids["quantity"]])
    order = np.argsort(np.concatenate([asks["placed"], bids["placed"]]))
    rows = list(zip(price[order].tolist(), quantity[order].tolist(), side[order].tolist(), strict=True))
    engine = LightMatchingEngine()
    traded = 0
    with clock() as spent:
        for row in rows:
            _, trades = engine.add_order("pool", *row)
            traded += trades[0].trade_qty if trades else 0
    return {**spent, "volume": traded}


def argsort(book: Tables, _: float) -> Figures:
    """The floor of any auction by sorting: both sides' prices, sorted by NumPy."""
    with clock() as spent:
        np.argsort(book["asks"]["price"], kind="stable")
        np.argsort(book["options"]["price"], kind="stable")
    return {**spent}


COMPARATORS: dict[str, Callable[[Tables, float], Figures]] = {
    run.__name__: run for run in (relaxation, milp, guarded, assume, matching, argsort)
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("comparator", choices=COMPARATORS)
    parser.add_argument("book", help="a book's name, or the number of orders of a one-slot book")
    parser.add_argument("seconds", nargs="?", type=float, default=3600.0, help="HiGHS's time limit")
    given = parser.parse_args()
    tables = one_slot(5, orders=int(given.book)) if given.book.isdigit() else BOOKS[given.book]()
    report(COMPARATORS[given.comparator](tables, given.seconds))
