from typing import Any

from django.core.management.base import BaseCommand

from listings.operations import load_accelerators


class Command(BaseCommand):
    help = "Bring the catalogue of accelerators up to date with listings/data/accelerators.json."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{load_accelerators()} accelerators in the catalogue.")
