"""The rows of the table: our figures beside each comparator's, with the target."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.benchmarks.books import BOOKS
from tests.benchmarks.figures import ROOT, Figures, measure
from tests.benchmarks.ledger import rates, settlement

COMPARATORS_PYTHON = ROOT / "bench-venv" / "bin" / "python"


@dataclass(frozen=True)
class Row:
    what: str
    ours: str
    comparator: str = ""
    ratio: str = ""
    target: str = ""


@cache
def ours(run: str, book: str) -> Figures:
    return measure(Path(sys.executable), "ours", run, book)


@cache
def theirs(comparator: str, book: str | int, seconds: float = 3600.0) -> Figures:
    return measure(COMPARATORS_PYTHON, "comparators", comparator, book, seconds)


def cleared(title: str, book: str, target: str = "", *, gain: str = "≥ 1.25x (1.35x)") -> Iterator[Row]:
    """The rows every book has: the solve, first come first served, verify."""
    run = ours("clear", book)
    proven = "" if run["proven_gap"] == run["gap"] else f", proven {percent(run['proven_gap'])}"
    yield Row(f"{title}: whole solve", f"{cost(run)}, gap {percent(run['gap'])}{proven}", target=target)
    yield Row(
        "· welfare against first come, first served",
        money(run["welfare"]),
        money(run["served"]),
        times(run["welfare"] / run["served"]),
        gain,
    )
    yield Row(
        f"· violations found by verify in {run['verify_seconds']:.1f} s",
        f"{len(run['violations'])}",
        target="0",
    )


def large(_: float) -> Iterator[Row]:
    yield from cleared(
        "100,000 bids x 3.5 options, 60 pools, 168 slots", "large", "≤ 15 s, gap ≤ 3 % (8 s, 1.5 %)"
    )


def huge(_: float) -> Iterator[Row]:
    yield from cleared("1,000,000 bids, 300 pools, 336 slots", "huge", "≤ 180 s, 8 GB (60 s, 4 GB)")


def milp(seconds: float) -> Iterator[Row]:
    yield from cleared("1,000 bids, 6 pools, 168 slots", "milp", "≤ 5 s")
    run, rival, relaxed = ours("clear", "milp"), theirs("milp", "milp", seconds), theirs("relaxation", "milp")
    yield Row(
        "· welfare against HiGHS MILP",
        f"{money(run['welfare'])} in {seconds_of(run)}",
        f"{money(rival['welfare'])} in {seconds_of(rival)}",
        times(run["welfare"] / rival["welfare"]) if rival["welfare"] else "∞",
        "≥ 1.3x (1.6x)",
    )
    yield Row(
        "· gap to the LP bound",
        percent(1 - run["welfare"] / relaxed["welfare"]),
        f"HiGHS MILP {percent(1 - rival['welfare'] / relaxed['welfare'])}",
        target="(≤ 10 %)",
    )


def fixed(seconds: float) -> Iterator[Row]:
    yield from cleared("500 fixed-start bids, one pool", "fixed")
    run, optimum = ours("clear", "fixed"), theirs("guarded", "fixed", seconds)
    yield against_optimum(run, optimum, "≤ 0.1 % (0)")


def fifty(seconds: float) -> Iterator[Row]:
    yield from cleared("50 bids, 3 pools, 48 slots", "fifty", "about a second", gain="")
    run, optimum = ours("clear", "fifty"), theirs("guarded", "fifty", seconds)
    yield against_optimum(run, optimum, "0")


def later(seconds: float) -> Iterator[Row]:
    """First come, first served charges each unit its own reserve, so it may sell what no single price can."""
    books = [name for name in BOOKS if name.startswith("later-")]
    runs = [ours("clear", book) for book in books]
    optima = [theirs("guarded", book, seconds) for book in books]
    whole = {key: sum(run[key] for run in runs) for key in ("seconds", "cpu", "welfare", "served")}
    optimum = {key: sum(run[key] for run in optima) for key in ("seconds", "cpu", "welfare")}
    proven = sum(run["status"] == "Optimal" for run in optima)
    ahead = sum(run["served"] > run["welfare"] for run in runs)
    yield Row(
        f"Later rounds, {len(books)} books of 40 or 80 bids, nearly sold out: gap to the optima",
        f"{percent(1 - whole['welfare'] / optimum['welfare'], 3)} in {seconds_of(whole)}",
        f"{money(optimum['welfare'])} in {seconds_of(optimum)}, {proven} optimal by HiGHS",
        target="0",
    )
    yield Row(
        f"· welfare against first come, first served at many prices, ahead in {ahead} books",
        money(whole["welfare"]),
        money(whole["served"]),
        times(whole["welfare"] / whole["served"]),
    )
    yield Row("· violations found by verify", f"{sum(len(run['violations']) for run in runs)}", target="0")


def against_optimum(run: Figures, optimum: Figures, target: str) -> Row:
    return Row(
        f"· gap to the optimum ({optimum['status'].lower()} by HiGHS under the same promises)",
        f"{percent(1 - run['welfare'] / optimum['welfare'], 3)} in {seconds_of(run)}",
        f"{money(optimum['welfare'])} in {seconds_of(optimum)}",
        target=target,
    )


def one_slot(_: float) -> Iterator[Row]:
    run = ours("clear", "one-slot")
    rate = run["orders"] / run["cpu"]
    yield Row(
        "One-slot book, 1,000,000 divisible orders",
        f"{cost(run)}, gap {percent(run['gap'])}",
    )
    yield Row(
        "· welfare against first come, first served",
        money(run["welfare"]),
        money(run["served"]),
        times(run["welfare"] / run["served"]),
        "≥ 1.25x: gap 0, there is no more",
    )
    for name, comparator, orders, target in (
        ("ASSUME pay_as_clear", "assume", 10_000, "≥ 100x"),
        ("ASSUME pay_as_clear", "assume", 30_000, "≥ 100x"),
        ("HiGHS LP", "relaxation", 100_000, "≥ 100x"),
        ("HiGHS LP", "relaxation", 1_000_000, "≥ 100x"),
        ("lightmatchingengine", "matching", 100_000, ""),
        ("numpy.argsort of the keys", "argsort", 1_000_000, "(near)"),
    ):
        rival = theirs(comparator, orders)
        theirs_rate = orders / rival["cpu"]
        yield Row(
            f"· rate against {name}, {orders:,} orders",
            f"{rate:,.0f} a CPU second",
            f"{theirs_rate:,.0f} a CPU second; {rival['cpu']:.2f} s CPU",
            times(rate / theirs_rate),
            target,
        )
    yield Row(
        f"· violations found by verify in {run['verify_seconds']:.1f} s",
        f"{len(run['violations'])}",
        target="0",
    )


def hard(_: float) -> Iterator[Row]:
    yield from cleared("Hard: one pool at load 3, large blocks, 2,000 bids", "blocks", gain="")
    yield from cleared("Hard: every bid eligible everywhere, 5,000 bids, 12 pools", "everywhere", gain="")
    yield from cleared("Hard: 1,500 components, 30,000 bids", "islands", gain="")


def losses(seconds: float) -> Iterator[Row]:
    """What the rule that no accepted order loses costs: two optima of HiGHS, with it and without."""
    for title, book in (("500 fixed-start bids, one pool", "fixed"), ("50 bids, 3 pools, 48 slots", "fifty")):
        with_it, without = theirs("guarded", book, seconds), theirs("milp", book, seconds)
        yield Row(
            f"Welfare lost as no accepted order may lose: {title}",
            percent(1 - with_it["welfare"] / without["welfare"], 3),
            f"both {with_it['status'].lower()} by HiGHS",
            target="≤ 0.3 % (0.1 %)",
        )


def bound(_: float) -> Iterator[Row]:
    for title, book in (
        ("1,000 bids, 6 pools, 168 slots", "milp"),
        ("500 fixed-start bids, one pool", "fixed"),
        ("one pool at load 3, large blocks", "blocks"),
        ("every bid eligible everywhere, 500 bids", "everywhere-small"),
        ("1,500 components", "islands"),
    ):
        run, optimum = ours("bound", book), theirs("relaxation", book)
        yield Row(
            f"Bound, {title}: above the LP optimum",
            f"{percent(run['bound'] / optimum['welfare'] - 1, 3)} in {seconds_of(run)}",
            f"HiGHS LP in {seconds_of(optimum)}",
            times(optimum["seconds"] / run["seconds"]),
            "≤ 0.5 %",
        )
    for title, book in (("100,000 bids", "large"), ("1,000,000 bids", "huge")):
        run = ours("bound", book)
        yield Row(f"Bound, {title}", f"{cost(run)}, U = {money(run['bound'])}")


def ledger(_: float) -> Iterator[Row]:
    """Eight processes, synchronous_commit=on."""
    for rate in rates(COMPARATORS_PYTHON):
        posted = f"{rate.ours:,.0f} transfers/s"
        if not rate.hordak:
            yield Row(f"Ledger, {rate.title}", posted)
            continue
        yield Row(
            f"Ledger, {rate.title}: against django-hordak",
            posted,
            f"{rate.hordak:,.0f} transfers/s",
            times(rate.ours / rate.hordak),
            "≥ 3x",
        )
        yield Row(
            "· against plain SQL by pgbench",
            posted,
            f"{rate.plain:,.0f} transfers/s",
            times(rate.ours / rate.plain),
        )
    run = settlement()
    yield Row(
        f"A round settled: {run['trades']:,} trades, contracts and transfers", cost(run), target="≤ 20 s"
    )


BENCHMARKS: dict[str, Callable[[float], Iterator[Row]]] = {
    "large": large,
    "huge": huge,
    "milp": milp,
    "fixed": fixed,
    "fifty": fifty,
    "later": later,
    "one-slot": one_slot,
    "hard": hard,
    "losses": losses,
    "bound": bound,
    "ledger": ledger,
}
"""Each takes the seconds that HiGHS's branch and bound is given."""


def render(rows: list[Row]) -> str:
    lines = [("what", "ours", "comparator", "ratio", "target (stretch)")]
    lines += [(row.what, row.ours, row.comparator, row.ratio, row.target) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def cost(run: Figures) -> str:
    return f"{seconds_of(run)}, {run['megabytes']:,.0f} MB"


def seconds_of(run: Figures) -> str:
    return f"{run['seconds']:.2f} s ({run['cpu']:.2f} s CPU)"


def percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f} %"


def money(ticks: float) -> str:
    return f"{ticks / 100:,.0f} CNY"


def times(ratio: float) -> str:
    return f"{ratio:,.2f}x" if ratio < 10 else f"{ratio:,.0f}x"
