"""The result of clearing a book: who trades what, at which prices, and how good that is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from marketplace.clearing.book import Column


def empty() -> Column:
    return np.empty(0, np.int64)


class Table:
    """Columns of equal length."""

    def take(self, rows: Column) -> Self:
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Fills(Table):
    """The accepted bids, sorted by bid: `quantity` units of `pool` from slot `start` on."""

    bid: Column = field(default_factory=empty)
    pool: Column = field(default_factory=empty)
    start: Column = field(default_factory=empty)
    quantity: Column = field(default_factory=empty)


@dataclass(frozen=True, eq=False)
class Sales(Table):
    """Runs of slots [first, last) in which an ask sells the same quantity, sorted by (ask, first)."""

    ask: Column = field(default_factory=empty)
    first: Column = field(default_factory=empty)
    last: Column = field(default_factory=empty)
    quantity: Column = field(default_factory=empty)


@dataclass(frozen=True, eq=False)
class Rejected(Table):
    """Refused bids that are in the money at the published prices, and what they would have gained."""

    bid: Column = field(default_factory=empty)
    surplus: Column = field(default_factory=empty)


@dataclass(frozen=True, eq=False)
class Result:
    """Prices and bound prices have the shape (pools, slots).

    `bound` is what anyone recomputes from `bound_prices`. `proven` is at most that: no admissible result
    passes it, by what branch and bound found or by the bound over the starts that are possible at all.
    """

    fills: Fills
    sales: Sales
    prices: NDArray[np.int64]
    bound_prices: NDArray[np.int64]
    welfare: int
    bound: int
    proven: int
    paradoxically_rejected: Rejected

    @property
    def gap(self) -> float:
        """(U - W) / U, with the bound that the bound prices certify."""
        return (self.bound - self.welfare) / self.bound if self.bound else 0.0

    @property
    def proven_gap(self) -> float:
        return (self.proven - self.welfare) / self.proven if self.proven else 0.0

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Result":
        def table(kind: type, name: str) -> Any:
            return kind(*(np.array(document[name][f.name], np.int64) for f in fields(kind)))

        return cls(
            table(Fills, "fills"),
            table(Sales, "sales"),
            np.array(document["prices"], np.int64),
            np.array(document["bound_prices"]),
            document["welfare"],
            document["bound"],
            document["proven"],
            table(Rejected, "paradoxically_rejected"),
        )

    def to_json(self) -> dict[str, Any]:
        def columns(table: Any) -> dict[str, list[int]]:
            return {f.name: getattr(table, f.name).tolist() for f in fields(table)}

        return {
            "fills": columns(self.fills),
            "sales": columns(self.sales),
            "prices": self.prices.tolist(),
            "bound_prices": self.bound_prices.tolist(),
            "welfare": self.welfare,
            "bound": self.bound,
            "gap": self.gap,
            "proven": self.proven,
            "proven_gap": self.proven_gap,
            "paradoxically_rejected": columns(self.paradoxically_rejected),
        }
