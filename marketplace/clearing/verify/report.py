"""One sentence for each broken promise."""

from collections.abc import Callable, Sequence
from typing import Any

SHOWN = 20  # sentences of one kind


def broken(promise: str, rows: Sequence[Any], sentence: Callable[..., str]) -> list[str]:
    """The sentences for the first rows (each the arguments of `sentence`), and how many more there are."""
    said = [f"promise {promise}: {sentence(*row)}" for row in rows[:SHOWN]]
    if len(rows) > SHOWN:
        said.append(f"promise {promise}: and {len(rows) - SHOWN} more like these")
    return said
