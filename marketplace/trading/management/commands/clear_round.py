from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from marketplace.trading.models import Round
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.run_round import advance_round, resume_rounds, run_round
from marketplace.trading.queries.orders import round_summary


class Command(BaseCommand):
    help = "Close the open round's gate now, clear it, settle it and print what it did."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--resume", type=int, metavar="ROUND", help="take up a round left half-way instead"
        )

    def handle(self, *args: Any, resume: int | None, **options: Any) -> None:
        now = timezone.now()
        if resume is not None:
            done: Round | None = advance_round(round_id=resume, now=now)
        else:
            resume_rounds(now=now)
            done = run_round(round_id=open_round(now=now).pk, now=now)
        if done is None:
            raise CommandError(
                "An earlier round is unfinished, or another process has closed this one's gate."
            )
        if done.status != Round.Status.SETTLED:
            raise CommandError(f"Round {done.pk} is {done.status}. {done.error}")
        self.stdout.write(_describe(done))


def _describe(done: Round) -> str:
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
