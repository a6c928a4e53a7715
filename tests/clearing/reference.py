"""Promises 2 and 4 to 8 read off a feasible result slot by slot and pair by pair: slow, and plain to
check by eye.
"""

from itertools import pairwise, product

from tests.clearing.oracle import (
    Book,
    Result,
    asks_in_merit_order,
    cells,
    options,
    partners,
    starts,
    surpluses,
)

Cell = tuple[int, int]


def broken_promises(book: Book, result: Result) -> set[int]:
    return {number for number, holds in _CHECKS.items() if not holds(_Look(book, result))}


class _Look:
    def __init__(self, book: Book, result: Result) -> None:
        self.book, self.asks, self.bids = book, book["asks"], book["bids"]
        self.prices = result["prices"]
        self.listed = result["paradoxically_rejected"]
        rows = zip(*(result["fills"][name] for name in ("bid", "pool", "start", "quantity")), strict=True)
        self.fills = {bid: (pool, start, quantity) for bid, pool, start, quantity in rows}
        self.refused = [bid for bid in range(len(self.bids["quantity"])) if bid not in self.fills]
        self.sold: dict[tuple[int, int], int] = {}  # by ask and slot
        sales = result["sales"]
        for ask, first, last, quantity in zip(
            *(sales[name] for name in ("ask", "first", "last", "quantity")), strict=True
        ):
            for slot in range(first, last):
                self.sold[ask, slot] = quantity

    def run(self, bid: int, start: int) -> range:
        return range(start, start + self.bids["duration"][bid])

    def cells_of(self, bid: int) -> set[Cell]:
        pool, start, _ = self.fills[bid]
        return {(pool, slot) for slot in self.run(bid, start)}

    def units_left(self, pool: int, slot: int) -> list[int]:
        """The reserve of each unit left, rising."""
        return [
            self.asks["price"][ask]
            for ask in asks_in_merit_order(self.book, pool, slot)
            for _ in range(self.asks["quantity"][ask] - self.sold.get((ask, slot), 0))
        ]

    def dearest_sold(self, pool: int, slot: int) -> int | None:
        sellers = [ask for ask in asks_in_merit_order(self.book, pool, slot) if self.sold.get((ask, slot))]
        return max((self.asks["price"][ask] for ask in sellers), default=None)

    def affords(self, bid: int, prices: dict[Cell, int]) -> bool:
        """Whether an accepted bid pays no more than its limit, some prices changed."""
        pool, start, _ = self.fills[bid]
        paid = sum(prices.get((pool, slot), self.prices[pool][slot]) for slot in self.run(bid, start))
        return paid <= options(self.book, bid)[pool] * self.bids["duration"][bid]


def _rational(look: _Look) -> bool:
    asks_gain = all(
        look.prices[look.asks["pool"][ask]][slot] >= look.asks["price"][ask] for ask, slot in look.sold
    )
    return asks_gain and all(look.affords(bid, {}) for bid in look.fills)


def _merit_order(look: _Look) -> bool:
    return all(
        not (
            look.sold.get((later, slot)) and look.sold.get((sooner, slot), 0) < look.asks["quantity"][sooner]
        )
        for pool, slot in cells(look.book)
        for sooner, later in pairwise(asks_in_merit_order(look.book, pool, slot))
    )


def _priority(look: _Look) -> bool:
    partner = partners(look.book)

    def order(bid: int) -> list[int]:
        return sorted({bid, partner.get(bid, bid)}, key=lambda member: look.bids["placed"][member])

    def shape(bid: int) -> list[object]:
        names = ("quantity", "minimum", "duration", "earliest", "latest")
        return [([look.bids[name][b] for name in names], sorted(options(look.book, b))) for b in order(bid)]

    def limits(bid: int) -> list[int]:
        return [limit for b in order(bid) for _, limit in sorted(options(look.book, b).items())]

    def placed(bid: int) -> int:
        return max(look.bids["placed"][b] for b in order(bid))

    return not any(
        shape(refused) == shape(accepted)
        and all(mine >= yours for mine, yours in zip(limits(refused), limits(accepted), strict=True))
        and (limits(refused) != limits(accepted) or placed(refused) < placed(accepted))
        for refused, accepted in product(look.refused, look.fills)
    )


def _nothing_left(look: _Look) -> bool:
    partner = partners(look.book)
    gains: dict[int, int] = {}
    for bid in look.refused:
        quantity, duration = look.bids["quantity"][bid], look.bids["duration"][bid]
        for pool, limit in options(look.book, bid).items():
            for start in starts(look.book, bid):
                left = {(pool, slot): look.units_left(pool, slot)[:quantity] for slot in look.run(bid, start)}
                if any(len(units) < quantity for units in left.values()):
                    continue
                floors = {
                    cell: max(max(units), look.dearest_sold(*cell) or 0) for cell, units in left.items()
                }
                gain = quantity * limit * duration - sum(map(sum, left.values()))
                others = [b for b in look.fills if look.cells_of(b) & floors.keys()]
                if sum(floors.values()) <= limit * duration and all(look.affords(b, floors) for b in others):
                    gains[bid] = max(gains.get(bid, gain), gain)
    return not any(
        (gains[bid] > 0 if bid not in partner else gains[bid] + gains[partner[bid]] > 0)
        for bid in gains
        if partner.get(bid, bid) in gains
    )


def _paradoxical(look: _Look) -> bool:
    listed = dict(zip(look.listed["bid"], look.listed["surplus"], strict=True))
    return listed == surpluses(look.book, set(look.fills), look.prices)


def _scarcity(look: _Look) -> bool:
    def next_unit(pool: int, slot: int) -> int | None:
        sold = look.dearest_sold(pool, slot)
        return min(look.units_left(pool, slot), default=sold)

    def wanted(cell: Cell) -> bool:
        for bid, quantity in enumerate(look.bids["quantity"]):
            if look.fills.get(bid, (0, 0, 0))[2] == quantity or cell[0] not in options(look.book, bid):
                continue
            for start in starts(look.book, bid):
                run = [next_unit(cell[0], slot) for slot in look.run(bid, start)]
                if cell[1] in look.run(bid, start) and None not in run:
                    worth = options(look.book, bid)[cell[0]] * look.bids["duration"][bid]
                    if worth > sum(price for price in run if price is not None):
                        return True
        return False

    for pool, slot in cells(look.book):
        price, left = look.prices[pool][slot], look.units_left(pool, slot)
        if not asks_in_merit_order(look.book, pool, slot) and price:
            return False
        if left and price > min(left) and not wanted((pool, slot)):
            return False
        if left and look.dearest_sold(pool, slot) is None and price < min(left):
            return False
    return True


_CHECKS = {
    2: _rational,
    4: _merit_order,
    5: _priority,
    6: _nothing_left,
    7: _paradoxical,
    8: _scarcity,
}
