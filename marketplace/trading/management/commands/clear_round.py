from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from marketplace.trading.models import Round
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.run_round import advance_round, resume_rounds, run_round
from marketplace.trading.summary import describe_round


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
        self.stdout.write(describe_round(done))
