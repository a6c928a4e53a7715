"""A settled round in words, for a terminal."""

from typing import Any

from marketplace.trading.models import Round
from marketplace.trading.queries.orders import round_summary


def describe_round(done: Round) -> str:
    summary = round_summary(done)
    lines = [
        ("orders", f"{summary.orders:,}"),
        ("matched", f"{summary.matched:,}"),
        ("unit-hours", f"{summary.unit_hours:,}"),
        ("value", _yuan(summary.value)),
        ("welfare", _yuan(summary.welfare)),
        ("bound", _yuan(summary.bound)),
        ("gap", "-" if summary.gap is None else f"{summary.gap:.2%}"),
        ("first come, first served", _yuan(summary.baseline_welfare)),
        ("mean price", _yuan(summary.mean_price) + " per unit-hour"),
        ("book", done.book_sha256),
        ("result", done.result_sha256),
    ]
    return "\n".join([f"Round {done.pk} settled", *(f"  {name:26}{value}" for name, value in lines)])


def _yuan(fen: Any) -> str:
    return "-" if fen is None else f"¥{fen / 100:,.2f}"
