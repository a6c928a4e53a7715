"""Promises 5, 6 and 7: who was refused, and whether that is as it must be."""

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np

from .certificate import best_gains
from .market import Ladder, Market, ladders
from .reading import Book, Integers, Mask
from .report import broken
from .runs import groups, lowest_run, run_sums, sums_between

PRIORITY = "5 (priority)"
NOTHING_LEFT = "6 (nothing left on the table)"
PARADOXICAL = "7 (paradoxical)"


def passed_over(market: Market) -> list[str]:
    """Promise 5. Two bids have the same shape if quantity, minimum, duration, window and set of pools are
    equal. No bid is refused while one of its shape is accepted whose limit is at most its own in every
    pool, and lower in one or placed later.

    A bundle has the shapes of its two bids in the order they were placed, the limits of both, and was
    placed when the later one was: it is compared with bundles only, and single bids with single bids
    only.
    """
    pairs = []
    for members, shape, limits, placed in _orders(market.book):
        filled = market.filled[members[:, 0]]
        order = np.lexsort(shape.T)
        changes = np.flatnonzero((np.diff(shape[order], axis=0) != 0).any(axis=1)) + 1
        begin = np.concatenate(([0], changes))
        count = np.diff([*begin, len(order)])
        accepted = np.add.reduceat(filled[order].astype(np.int64), begin)
        for k in np.flatnonzero((accepted > 0) & (accepted < count)):
            same = order[begin[k] : begin[k] + count[k]]
            for refused, taken in _dominations(limits[same], placed[same], filled[same]):
                pairs.append((members[same[refused]], members[same[taken]]))
    return broken(
        PRIORITY,
        pairs,
        lambda refused, taken: (
            f"{_name(refused)} is refused while {_name(taken)}, of the same shape, "
            "which bids no more in any pool and was placed later if equal, is accepted"
        ),
    )


def left_on_table(market: Market) -> list[str]:
    """Promise 6. A refused bid must not be addable: whole, in one of its pools at a limit, over a run in
    its window

    - in whose every slot the pool has `quantity` units left;
    - limit x quantity x duration is more than the reserves of the cheapest of these units;
    - with the price of exactly these slots set to the dearest reserve that then sells there (the lowest
      price that the asks could bear), and every other price as published, neither it nor any accepted bid
      of the pool pays more than its limit. (Every other price that the asks could bear is higher, so no
      other need be tried.)

    A refused bundle must not have both its bids addable; one of the two may add no welfare if the other
    does. Its bids name different pools, so each is judged alone.
    """
    book = market.book
    refused = np.flatnonzero(~market.filled[book.options.bid])
    next_unit = np.where(market.left > 0, market.cheapest_left, market.never)
    worth = book.options.price[refused] * book.bids.duration[book.options.bid[refused]]
    refused = refused[lowest_run(book, next_unit, refused) <= worth]
    pools = {pool: refused[these] for pool, these in groups(book.options.pool[refused])}
    best: dict[int, tuple[int, int, int]] = {}  # gain, pool and start by bid
    for pool, blocks in groupby(
        ladders(book.asks, market.result.sales, book.slots), lambda ladder: ladder.pool
    ):
        if pool in pools:
            for bid, gain, start in _additions(market, pool, pools[pool], blocks):
                best[bid] = max(best.get(bid, (-1, 0, 0)), (gain, pool, start))
    bundled = set(book.bundles.bid.tolist()) | set(book.bundles.partner.tolist())
    single = [(bid, *best[bid]) for bid in sorted(set(best) - bundled) if best[bid][0] > 0]
    pairs = zip(book.bundles.bid.tolist(), book.bundles.partner.tolist(), strict=True)
    bundles = [
        (bid, other, best[bid][0] + best[other][0])
        for bid, other in pairs
        if bid in best and other in best and best[bid][0] + best[other][0] > 0
    ]
    return [
        *broken(
            NOTHING_LEFT,
            single,
            lambda bid, gain, pool, start: (
                f"bid {bid} could start at {start} in pool {pool}: "
                f"welfare would rise by {gain} and nobody would lose"
            ),
        ),
        *broken(
            NOTHING_LEFT,
            bundles,
            lambda bid, other, gain: (
                f"bids {bid} and {other}, a bundle, could both be added: "
                f"welfare would rise by {gain} and nobody would lose"
            ),
        ),
    ]


def misreported_paradoxes(market: Market) -> list[str]:
    """Promise 7. The list of paradoxically rejected bids holds exactly the refused bids with a positive
    surplus: the most, over options and runs in their window, of quantity x (limit x duration - the sum of
    the published prices). Runs with a slot in which the pool offers nothing do not count. A bid of a
    bundle is listed only if the best surplus of its partner is at least 0.
    """
    gains = best_gains(market.book, market.open_prices)
    content = gains >= 0
    tempted = gains > 0
    for one, other in (
        (market.book.bundles.bid, market.book.bundles.partner),
        (market.book.bundles.partner, market.book.bundles.bid),
    ):
        tempted[one] &= content[other]
    listed = market.result.paradoxical
    due = {bid: int(gains[bid]) for bid in np.flatnonzero(tempted & ~market.filled).tolist()}
    return [
        *broken(
            PARADOXICAL,
            [(bid, due[bid]) for bid in sorted(due.keys() - listed.keys())],
            lambda bid, surplus: (
                f"bid {bid} is refused with a surplus of {surplus} in sight, and is not listed"
            ),
        ),
        *broken(
            PARADOXICAL,
            [(bid,) for bid in sorted(listed.keys() - due.keys())],
            lambda bid: f"bid {bid} is listed, but it is not a refused bid in the money",
        ),
        *broken(
            PARADOXICAL,
            [(bid,) for bid in sorted(due.keys() & listed.keys()) if due[bid] != listed[bid]],
            lambda bid: f"the lost surplus of bid {bid} is {due[bid]}, not {listed[bid]}",
        ),
    ]


def _orders(book: Book) -> Iterator[tuple[Integers, Integers, Integers, Integers]]:
    """Single bids, then bundles, in tables of one width each: their bids, shapes, limits by pool, and
    `placed`.
    """
    bids, options, bundles = book.bids, book.options, book.bundles
    offsets = np.searchsorted(options.bid, np.arange(len(bids.quantity) + 1))
    count = np.diff(offsets)
    single = np.ones(len(bids.quantity), np.bool_)
    single[bundles.bid] = single[bundles.partner] = False
    pairs = np.stack([bundles.bid, bundles.partner], axis=1)
    pairs = np.take_along_axis(pairs, bids.placed[pairs].argsort(axis=1), axis=1)
    for members in (np.flatnonzero(single)[:, None], pairs):
        widths = count[members[:, 0]] * (len(options.bid) + 1) + count[members[:, -1]]
        for _, these in groups(widths):
            table = members[these]
            shape, limits = [], []
            for bid in table.T:
                rows = offsets[bid][:, None] + np.arange(count[bid[0]])
                shape += [bids.quantity[bid], bids.minimum[bid], bids.duration[bid]]
                shape += [bids.earliest[bid], bids.latest[bid], *options.pool[rows].T]
                limits += [*options.price[rows].T]
            yield (
                table,
                np.array(shape, np.int64).T,
                np.array(limits, np.int64).reshape(len(limits), len(table)).T,
                bids.placed[table].max(axis=1),
            )


def _dominations(limits: Integers, placed: Integers, filled: Mask) -> Iterator[tuple[int, int]]:
    """Each refused row that bests accepted rows, with one of them; refused rows that a refused row bests
    are left out.

    Row r bests row a if no limit of a is above r's and one is below, or a was placed later.
    """
    order = np.lexsort((placed, *-limits.T))
    refused, accepted = order[~filled[order]], order[filled[order]]
    while len(refused) and len(accepted):
        best = refused[0]
        below = (limits[accepted] <= limits[best]).all(axis=1)
        below &= (limits[accepted] < limits[best]).any(axis=1) | (placed[accepted] > placed[best])
        if below.any():
            yield int(best), int(accepted[below.argmax()])
        refused = refused[~(limits[refused] <= limits[best]).all(axis=1)]


def _additions(
    market: Market, pool: int, options: Integers, blocks: Iterable[Ladder]
) -> Iterator[tuple[int, int, int]]:
    """Of these options of refused bids in one pool, those that can be added: bid, greatest gain and its
    start.
    """
    book = market.book
    bids = book.options.bid[options]
    quantities, which = np.unique(book.bids.quantity[bids], return_inverse=True)
    dearest, cost = _price_of_more(market, quantities, blocks)
    floor = np.maximum(dearest, market.dearest[pool])
    rise = np.where(dearest < market.never, floor - market.result.prices[pool], 0)
    for k, with_quantity in groups(which):
        others = _Others(market, pool, rise[k])
        for duration, these in groups(book.bids.duration[bids[with_quantity]]):
            mine = with_quantity[these]
            bid = bids[mine]
            worth = (book.options.price[options[mine]] * duration)[:, None]
            starts = np.arange(book.slots - duration + 1)
            addable = (book.bids.earliest[bid, None] <= starts) & (
                starts + duration <= book.bids.latest[bid, None]
            )
            addable &= run_sums(floor[k], duration) <= worth
            for start in np.flatnonzero(addable.any(axis=0)).tolist():
                if others.lose(start, start + duration):
                    addable[:, start] = False
            gain = np.where(addable, quantities[k] * worth - run_sums(cost[k], duration), -1)
            best = gain.argmax(axis=1)
            for row in np.flatnonzero(addable.any(axis=1)).tolist():
                yield int(bid[row]), int(gain[row, best[row]]), int(best[row])


def _price_of_more(
    market: Market, quantities: Integers, blocks: Iterable[Ladder]
) -> tuple[Integers, Integers]:
    """The dearest reserve among, and the sum of reserves of, the cheapest `quantities` units left in a
    pool's slots; tables quantities x slots, `never` where so many are not left.
    """
    dearest = np.full((len(quantities), market.book.slots), market.never, market.left.dtype)
    cost = dearest.copy()
    for ladder in blocks:
        left = (ladder.offered - ladder.sold).T
        units = left.cumsum(axis=1)
        spent = (left * ladder.price).cumsum(axis=1)
        for slot, units_up_to, spent_up_to in zip(ladder.slots, units, spent, strict=True):
            enough = quantities <= units_up_to[-1]
            last = np.searchsorted(units_up_to, quantities[enough])
            dearest[enough, slot] = ladder.price[last]
            cost[enough, slot] = (
                spent_up_to[last] - (units_up_to[last] - quantities[enough]) * ladder.price[last]
            )
    return dearest, cost


class _Others:
    """The accepted bids of a pool, when the price of some slots rises by `rise` and the others stay."""

    def __init__(self, market: Market, pool: int, rise: Integers) -> None:
        book, fills = market.book, market.result.fills
        here = np.flatnonzero(fills.pool == pool)
        start, bid = fills.start[here], fills.bid[here]
        end = start + book.bids.duration[bid]
        paid = sums_between(market.result.prices[[pool]], 0 * start, start, end)
        spare = market.limit[bid] * (end - start) - paid
        at_risk = spare < sums_between(np.maximum(rise, 0)[None], 0 * start, start, end)
        self.start, self.end, self.spare = start[at_risk], end[at_risk], spare[at_risk]
        self.risen = np.concatenate(([0], rise.cumsum()))

    def lose(self, first: int, last: int) -> bool:
        """Whether one of them pays more than its limit when the prices of [first, last) rise."""
        start, end = np.maximum(self.start, first), np.minimum(self.end, last)
        return bool(
            ((start < end) & (self.risen[end] - self.risen[np.minimum(start, end)] > self.spare)).any()
        )


def _name(bids: Integers) -> str:
    return f"bid {bids[0]}" if len(bids) == 1 else f"the bundle of bids {bids[0]} and {bids[1]}"
