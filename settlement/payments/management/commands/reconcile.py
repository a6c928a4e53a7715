import datetime
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from settlement.money import show_amount
from settlement.payments.compare import zone
from settlement.payments.models import Reconciliation
from settlement.payments.operations import reconcile


class Command(BaseCommand):
    help = "Hold the platform's accounts against what others say of them; exit 1 where they differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--day",
            type=datetime.date.fromisoformat,
            help="as of the end of this day, 2026-06-01; by default, yesterday",
        )
        parser.add_argument(
            "--from-the-beginning",
            action="store_true",
            help="read the whole history, and trust no proof of an earlier run",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        day = options["day"] or now.astimezone(zone()).date() - datetime.timedelta(days=1)
        runs = reconcile(day=day, now=now, from_the_beginning=options["from_the_beginning"])
        for run in runs:
            self.stdout.write(_told(run))
        if any(run.statement is not None and not run.is_proof for run in runs):
            raise CommandError("There are differences; the page of the reconciliation lists them.")


def _told(run: Reconciliation) -> str:
    start = f"since {run.went_on_from.day}" if run.went_on_from else "from the beginning"
    ledger = show_amount(run.ledger, run.currency)
    if run.statement is None:
        return f"{run.account} {run.currency} {start}: ledger {ledger}, and nobody told"
    outcome = "agrees" if run.is_proof else "differs"
    statement = show_amount(run.statement, run.currency)
    return f"{run.account} {run.currency} {start}: ledger {ledger}, statement {statement}, {outcome}"
