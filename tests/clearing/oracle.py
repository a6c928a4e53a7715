"""The best result of a small book, found by trying every allocation. Plain Python, slow on purpose.

An allocation is a dict from each accepted bid to its placement (pool, start, quantity). It can be priced
when every accepted bid affords the *floors* of its slots, the reserve of the dearest ask that must sell
there: higher prices only ask more of bids, and lower ones an ask would refuse.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

Book = dict[str, Any]
Result = dict[str, Any]
Allocation = dict[int, "Placement"]


class Placement(NamedTuple):
    pool: int
    start: int
    quantity: int
    limit: int


def best_allocations(book: Book) -> tuple[int, list[Allocation]]:
    """The greatest welfare of an allocation that can be priced, and every allocation that attains it."""
    search = _Search(book)
    search.visit(0, 0)
    return search.best, search.attained


class _Search:
    """Depth first over the bids; a branch ends where even the cheapest units for all later bids cannot
    catch up.
    """

    def __init__(self, book: Book) -> None:
        self.book = book
        self.duration = book["bids"]["duration"]
        self.units = {(pool, slot): units_offered(book, pool, slot) for pool, slot in cells(book)}
        self.used = dict.fromkeys(self.units, 0)
        self.choices = [list(placements(book, bid)) for bid in range(len(self.duration))]
        hopes = [max([0, *(self._hope(bid, p) for p in places)]) for bid, places in enumerate(self.choices)]
        self.hope = [sum(hopes[bid:]) for bid in range(len(hopes) + 1)]
        self.partner = partners(book)
        self.chosen: Allocation = {}
        self.best = 0
        self.attained: list[Allocation] = []

    def visit(self, bid: int, welfare: int) -> None:
        if welfare + self.hope[bid] < self.best:
            return
        if bid == len(self.choices):
            if welfare > self.best:
                self.attained.clear()
            self.best = welfare
            self.attained.append(dict(self.chosen))
            return
        partner = self.partner.get(bid, bid)
        if partner >= bid or partner in self.chosen:
            for placement in self.choices[bid]:
                cells_used = run(self.book, bid, placement)
                if any(self.used[cell] + placement.quantity > len(self.units[cell]) for cell in cells_used):
                    continue
                gain = placement.quantity * placement.limit * self.duration[bid]
                gain -= sum(
                    sum(self.units[c][self.used[c] : self.used[c] + placement.quantity]) for c in cells_used
                )
                self._use(cells_used, placement.quantity)
                self.chosen[bid] = placement
                if self._everyone_affords():
                    self.visit(bid + 1, welfare + gain)
                del self.chosen[bid]
                self._use(cells_used, -placement.quantity)
        if partner >= bid or partner not in self.chosen:
            self.visit(bid + 1, welfare)

    def _use(self, cells_used: list[tuple[int, int]], quantity: int) -> None:
        for cell in cells_used:
            self.used[cell] += quantity

    def _everyone_affords(self) -> bool:
        return all(
            sum(self.units[cell][self.used[cell] - 1] for cell in run(self.book, bid, placement))
            <= placement.limit * self.duration[bid]
            for bid, placement in self.chosen.items()
        )

    def _hope(self, bid: int, placement: Placement) -> int:
        least = sum(min(self.units[cell], default=0) for cell in run(self.book, bid, placement))
        return placement.quantity * (placement.limit * self.duration[bid] - least)


def cells(book: Book) -> Iterator[tuple[int, int]]:
    return ((pool, slot) for pool in range(book["pools"]) for slot in range(book["slots"]))


def run(book: Book, bid: int, placement: Placement) -> list[tuple[int, int]]:
    """The pools and slots that the placement uses."""
    return [(placement.pool, placement.start + hour) for hour in range(book["bids"]["duration"][bid])]


def partners(book: Book) -> dict[int, int]:
    bundles = book.get("bundles", {"bid": [], "with": []})
    pairs = list(zip(bundles["bid"], bundles["with"], strict=True))
    return dict(pairs) | {other: one for one, other in pairs}


def asks_in_merit_order(book: Book, pool: int, slot: int) -> list[int]:
    asks = book["asks"]
    offering = [
        ask
        for ask in range(len(asks["pool"]))
        if asks["pool"][ask] == pool and asks["first"][ask] <= slot < asks["last"][ask]
    ]
    return sorted(offering, key=lambda ask: (asks["price"][ask], asks["placed"][ask]))


def units_offered(book: Book, pool: int, slot: int) -> list[int]:
    """The reserve price of each unit, in merit order."""
    asks = book["asks"]
    return [
        asks["price"][ask]
        for ask in asks_in_merit_order(book, pool, slot)
        for _ in range(asks["quantity"][ask])
    ]


def options(book: Book, bid: int) -> dict[int, int]:
    """The bid's limit in each pool that it names."""
    rows = zip(book["options"]["bid"], book["options"]["pool"], book["options"]["price"], strict=True)
    return {pool: limit for owner, pool, limit in rows if owner == bid}


def starts(book: Book, bid: int) -> range:
    bids = book["bids"]
    return range(bids["earliest"][bid], bids["latest"][bid] - bids["duration"][bid] + 1)


def placements(book: Book, bid: int) -> Iterator[Placement]:
    for pool, limit in options(book, bid).items():
        for start in starts(book, bid):
            for quantity in range(book["bids"]["quantity"][bid], book["bids"]["minimum"][bid] - 1, -1):
                yield Placement(pool, start, quantity, limit)


def bound(book: Book, prices: list[list[Any]]) -> Any:
    """U, term by term as the specification has it: an integer at integer prices, a Fraction at Fractions."""
    bids, asks = book["bids"], book["asks"]
    total = 0
    for bid, duration in enumerate(bids["duration"]):
        gains = [
            limit * duration - sum(prices[pool][start : start + duration])
            for pool, limit in options(book, bid).items()
            for start in starts(book, bid)
        ]
        total += bids["quantity"][bid] * max([0, *gains])
    for pool, first, last, quantity, reserve in zip(
        *(asks[name] for name in ("pool", "first", "last", "quantity", "price")), strict=True
    ):
        total += quantity * sum(max(0, price - reserve) for price in prices[pool][first:last])
    return total


def as_result(book: Book, allocation: Allocation, prices: list[list[int]] | None = None) -> Result:
    """The allocation as a whole result: sold in merit order, priced at the floors unless told otherwise."""
    bids, asks = book["bids"], book["asks"]
    used = dict.fromkeys(cells(book), 0)
    welfare = 0
    for bid, (pool, start, quantity, limit) in allocation.items():
        welfare += quantity * limit * bids["duration"][bid]
        for slot in range(start, start + bids["duration"][bid]):
            used[pool, slot] += quantity
    sales: dict[str, list[int]] = {"ask": [], "first": [], "last": [], "quantity": []}
    floors = [[0] * book["slots"] for _ in range(book["pools"])]
    for pool, slot in cells(book):
        need = used[pool, slot]
        offering = asks_in_merit_order(book, pool, slot)
        if offering:
            floors[pool][slot] = units_offered(book, pool, slot)[max(0, need - 1)]
        for ask in offering:
            sold = min(need, asks["quantity"][ask])
            need -= sold
            if sold:
                welfare -= sold * asks["price"][ask]
                _sell(sales, ask, slot, sold)
    prices = prices or floors
    limit_of_welfare = bound(book, floors)
    refused = surpluses(book, set(allocation), prices)
    return {
        "fills": {
            "bid": list(allocation),
            "pool": [p.pool for p in allocation.values()],
            "start": [p.start for p in allocation.values()],
            "quantity": [p.quantity for p in allocation.values()],
        },
        "sales": sales,
        "prices": prices,
        "bound_prices": floors,
        "welfare": welfare,
        "bound": limit_of_welfare,
        "gap": (limit_of_welfare - welfare) / limit_of_welfare if limit_of_welfare else 0.0,
        "paradoxically_rejected": {"bid": list(refused), "surplus": list(refused.values())},
    }


def surpluses(book: Book, accepted: set[int], prices: list[list[int]]) -> dict[int, int]:
    """What each refused bid in the money would gain at the published prices."""
    partner = partners(book)
    best: dict[int, int] = {}
    for bid, duration in enumerate(book["bids"]["duration"]):
        for pool, limit in options(book, bid).items():
            for start in starts(book, bid):
                run = range(start, start + duration)
                if all(asks_in_merit_order(book, pool, slot) for slot in run):
                    gain = limit * duration - sum(prices[pool][slot] for slot in run)
                    gain *= book["bids"]["quantity"][bid]
                    best[bid] = max(best.get(bid, gain), gain)
    return {
        bid: gain
        for bid, gain in best.items()
        if bid not in accepted and gain > 0 and best.get(partner.get(bid, bid), -1) >= 0
    }


def _sell(sales: dict[str, list[int]], ask: int, slot: int, quantity: int) -> None:
    for row in range(len(sales["ask"])):
        if (sales["ask"][row], sales["last"][row], sales["quantity"][row]) == (ask, slot, quantity):
            sales["last"][row] += 1
            return
    for name, value in (("ask", ask), ("first", slot), ("last", slot + 1), ("quantity", quantity)):
        sales[name].append(value)
