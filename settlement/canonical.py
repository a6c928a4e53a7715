"""Canonical JSON after RFC 8785 (JCS), for the values that documents of record use."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

# RFC 8785 writes numbers as ECMAScript does: integers beyond this are not exact there.
LARGEST_INTEGER = 2**53 - 1


def canonical_json(value: object) -> str:
    """The one spelling of `value`: dict, list, tuple, str, int, bool and None; anything else is a TypeError.

    Members are sorted by the UTF-16 code units of their names (RFC 8785, 3.2.3); strings are escaped only
    where JSON must (3.2.2.2), which is what `json` does with `ensure_ascii=False`.
    """
    return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def sha256_of(value: object) -> str:
    return sha256_of_text(canonical_json(value))


def sha256_of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _ordered(value: object) -> Any:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise ValueError(
                f"{value} is beyond the integers that JSON numbers carry exactly; write a string."
            )
        return value
    if isinstance(value, Mapping):
        return {key: _ordered(value[key]) for key in sorted(value, key=_utf16)}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no place in a document of record.")


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be")
