from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from settlement.contracts.signing import retire_older_keys


class Command(BaseCommand):
    help = (
        "Sign with the last key of SIGNING_KEYS and retire the others, which still verify. First put a new "
        "key last (`openssl rand -base64 32` makes one) and restart all processes."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        kid = retire_older_keys(now=timezone.now())
        self.stdout.write(f"Key {kid} signs; the older ones are retired.")
