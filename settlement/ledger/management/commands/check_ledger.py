from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from settlement.ledger.check import differences
from settlement.ledger.models import Transfer
from settlement.ledger.queries import Head, chain_head


class Command(BaseCommand):
    help = "Recompute the ledger from its entries; exit 1 at the first difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head", type=published_head, help="a published head of the chain, as position:sha256"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:  # One snapshot, so that work going on is no difference.
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for difference in differences(options["head"]):
                raise CommandError(difference)
            head, count = chain_head(), Transfer.objects.count()
        self.stdout.write(
            f"{count} transfers agree with their balances, holds and chain;"
            f" {count - head.position} not sealed yet; head {head.position}:{head.sha256}"
        )


def published_head(text: str) -> Head:
    position, _, sha256 = text.partition(":")
    return Head(int(position), sha256)
