from typing import Protocol

from django.utils.translation import get_language


class TwoNamed(Protocol):
    """An organisation, a facility, an algorithm."""

    name_zh: str
    name_en: str


def local_name(row: TwoNamed) -> str:
    """The row's Chinese or English name, as the language in force asks."""
    return row.name_zh if (get_language() or "").startswith("zh") else row.name_en
