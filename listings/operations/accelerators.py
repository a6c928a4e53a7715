"""The catalogue of accelerators, from the data file that names each figure's source."""

import json
from decimal import Decimal
from pathlib import Path

from django.db import transaction

from listings.models import Accelerator

CATALOGUE = Path(__file__).resolve().parent.parent / "data" / "accelerators.json"


@transaction.atomic
def load_accelerators() -> int:
    """Bring the catalogue up to date with the data file: the number of its accelerators.

    Loading twice changes nothing. One that left the file stays: pools may be made of it.
    """
    rows = json.loads(CATALOGUE.read_text())
    accelerators = [Accelerator(**row | {"fp16_tflops": _decimal(row["fp16_tflops"])}) for row in rows]
    Accelerator.objects.bulk_create(
        accelerators,
        update_conflicts=True,
        unique_fields=["slug"],
        update_fields=sorted(rows[0].keys() - {"slug"}),
    )
    return len(accelerators)


def _decimal(figure: str | None) -> Decimal | None:
    return None if figure is None else Decimal(figure)
