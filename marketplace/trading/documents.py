"""Books and results as they are kept and published: JSON texts, gzipped, known by their SHA-256."""

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Document:
    """`sha256` is that of the JSON text itself, not of its gzipped form."""

    gzipped: bytes
    sha256: str

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Document":
        text = json.dumps(content, separators=(",", ":")).encode()
        return cls(gzip.compress(text, mtime=0), hashlib.sha256(text).hexdigest())


def content_of(gzipped: bytes | memoryview | None) -> dict[str, Any]:
    """What a kept document says."""
    assert gzipped is not None
    content: dict[str, Any] = json.loads(gzip.decompress(gzipped))
    return content
