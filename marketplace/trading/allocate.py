"""Which ask serves which fill: a round's sales are dealt out to its fills. Nothing is read or kept."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Share:
    """`units` of an ask serve a fill in every slot of [first, last). All but the slots are row numbers."""

    fill: int
    ask: int
    first: int
    last: int
    units: int


@dataclass(frozen=True)
class _Run:
    row: int
    first: int
    last: int
    units: int


def allocate(book: dict[str, Any], result: dict[str, Any]) -> list[Share]:
    """Deal the sales of each pool out to its fills, slot by slot, both in the order of their rows.

    In every slot units sold equal units filled, so every fill is served whole. Runs in which one ask serves
    a fill with the same units are one share.
    """
    fills: dict[int, list[_Run]] = defaultdict(list)
    for row, (bid, pool, start, units) in enumerate(zip(*result["fills"].values(), strict=True)):
        fills[pool].append(_Run(row, start, start + book["bids"]["duration"][bid], units))
    sales: dict[int, list[_Run]] = defaultdict(list)
    for ask, first, last, units in zip(*result["sales"].values(), strict=True):
        sales[book["asks"]["pool"][ask]].append(_Run(ask, first, last, units))
    shares = [share for pool in sorted(fills) for share in _allocate_pool(fills[pool], sales[pool])]
    return sorted(shares, key=lambda share: (share.fill, share.first, share.ask))


def _allocate_pool(fills: list[_Run], sales: list[_Run]) -> list[Share]:
    edges = sorted({edge for run in fills + sales for edge in (run.first, run.last)})
    open_shares: dict[tuple[int, int], Share] = {}
    done: list[Share] = []
    for first, last in pairwise(edges):
        dealt = _deal(
            [run for run in fills if run.first <= first < run.last],
            [run for run in sales if run.first <= first < run.last],
        )
        for key, units in dealt.items():
            before = open_shares.get(key)
            if before and (before.last, before.units) == (first, units):
                open_shares[key] = Share(*key, before.first, last, units)
            else:
                done += [before] if before else []
                open_shares[key] = Share(*key, first, last, units)
    return done + list(open_shares.values())


def _deal(fills: list[_Run], sales: list[_Run]) -> dict[tuple[int, int], int]:
    """The units of each (fill, ask) in one slot."""
    dealt: dict[tuple[int, int], int] = {}
    remaining = [[sale.row, sale.units] for sale in sales]
    at = 0
    for fill in fills:
        wanted = fill.units
        while wanted:
            ask, left = remaining[at]
            units = min(wanted, left)
            dealt[fill.row, ask] = units
            wanted -= units
            remaining[at][1] -= units
            at += remaining[at][1] == 0
    assert at == len(remaining), "units sold equal units filled in every slot"
    return dealt
