"""Where bids could stand: rows of an option and a run of consecutive starts of it."""

from typing import NamedTuple

import numpy as np

from marketplace.clearing.book import Book, Column
from marketplace.clearing.compiled import njit
from marketplace.clearing.market import SOLD_OUT, Market, reserve_of


class Starts(NamedTuple):
    """Rows by bid: starts from `first` to `last` of an option, and the most units that fit at any of them."""

    bid: Column
    option: Column
    first: Column
    last: Column
    units: Column

    def __len__(self) -> int:
        return len(self.bid)


def all_starts(book: Book) -> Starts:
    """Every start of every option, at the bid's quantity: one row an option."""
    bids, bid = book.bids, book.options.bid
    last = (bids.latest - bids.duration)[bid]
    return Starts(bid, np.arange(len(bid)), bids.earliest[bid], last, bids.quantity[bid])


def possible_starts(empty: Market) -> Starts:
    """The starts at which a bid could be accepted were it the only one: its least units are offered, and it
    affords their floors. None for a bid whose partner has none.
    """
    starts = Starts(*_possible_starts(*empty))
    partner, able = empty.bids["partner"], np.zeros(len(empty.bids), np.bool_)
    able[starts.bid] = True
    able &= (partner < 0) | able[partner]
    return Starts(*(column[able[starts.bid]] for column in starts))


@njit(cache=True, nogil=True)
def _possible_starts(bids, options, cells, levels):  # type: ignore[no-untyped-def]
    rows, count = np.empty((5, len(options)), np.int64), 0
    for b in range(len(bids)):
        d, units = bids[b].duration, bids[b].minimum
        for o in range(bids[b].first_option, bids[b].last_option):
            k, money = options[o].pool, options[o].limit * bids[b].duration
            floors, clear, run = np.int64(0), 0, False
            for t in range(bids[b].earliest, bids[b].latest):
                floor = reserve_of(levels, cells[k, t], units)
                if floor == SOLD_OUT:
                    floors, clear, run = np.int64(0), 0, False
                    continue
                floors += floor
                clear += 1
                if clear > d:
                    floors -= reserve_of(levels, cells[k, t - d], units)
                if clear < d or floors > money:
                    run = False
                    continue
                start = t - d + 1
                if not run:
                    if count == rows.shape[1]:
                        rows = np.concatenate((rows, np.empty((5, count), np.int64)), axis=1)
                    rows[0, count], rows[1, count], rows[2, count], rows[4, count] = b, o, start, units
                    run, count = True, count + 1
                rows[3, count - 1] = start
                if units < bids[b].quantity:
                    fit = _fit(cells, k, start, t + 1, bids[b].quantity)
                    rows[4, count - 1] = max(rows[4, count - 1], fit)
    return rows[:, :count]


@njit(cache=True, nogil=True)
def _fit(cells, k, start, end, units):  # type: ignore[no-untyped-def]
    """As many of `units` as every slot of [start, end) has left."""
    for t in range(start, end):
        units = min(units, cells[k, t].left)
    return units
