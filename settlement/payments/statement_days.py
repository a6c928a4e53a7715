"""The balances of a bank's statement by day, whatever order its lines came in."""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """In fen; `balance` is the account's after the line, None where the bank does not tell."""

    day: datetime.date
    amount: int
    balance: int | None


@dataclass(frozen=True)
class Gap:
    """Lines worth `amount` fen are missing before, or on, the day."""

    day: datetime.date
    amount: int


def closing(lines: Iterable[Line], reached: int | None = None) -> tuple[int, list[Gap]]:
    """The balance after the last day, and the gaps on the way there from the one `reached` before.

    Each line is a step from one balance to the next, so a day's lines are a path: where they are complete,
    the one balance that no other line begins from is the day's last. Where several are, lines are missing,
    and the order given decides. A day without balances adds up its amounts.
    """
    days: dict[datetime.date, list[Line]] = defaultdict(list)
    for line in lines:
        days[line.day].append(line)
    gaps = []
    for day in sorted(days):
        ends = _ends(days[day], reached)
        if ends is None:
            reached = (reached or 0) + sum(line.amount for line in days[day])
            continue
        first, last = ends
        if reached is not None and first != reached:
            gaps.append(Gap(day, first - reached))
        missing = last - first - sum(line.amount for line in days[day])
        if missing:
            gaps.append(Gap(day, missing))
        reached = last
    return reached or 0, gaps


def _ends(lines: list[Line], reached: int | None) -> tuple[int, int] | None:
    """The day's first and last balance; None where a line has none."""
    steps = [(line.balance - line.amount, line.balance) for line in lines if line.balance is not None]
    if len(steps) < len(lines):
        return None
    begun, ended = Counter(start for start, _ in steps), Counter(end for _, end in steps)
    firsts, lasts = begun - ended, ended - begun
    if not firsts:  # The day ends where it began: where the day before ended, if a line says so.
        start = steps[0][0] if reached is None or reached not in begun else reached
        return start, start
    first = next(start for start, _ in steps if start in firsts)
    if reached is not None and reached in firsts:
        first = reached
    return first, next(end for _, end in reversed(steps) if end in lasts)
