from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from settlement.contracts.operations import publish_agreement


class Command(BaseCommand):
    help = (
        "Make the newest text under settlement/contracts/agreements the current master agreement, and write "
        "to every owner who is to accept it. Publishing again changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        agreement = publish_agreement(now=timezone.now())
        self.stdout.write(f"Version {agreement.version} is current: {agreement.sha256}")
