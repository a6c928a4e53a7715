"""The master agreement's text: files beside this module, one version after the other, never changed."""

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

TEXTS = Path(__file__).parent / "agreements"


@dataclass(frozen=True)
class AgreementText:
    """One version in Markdown. `sha256` is that of both files: `cat v1.zh.md v1.en.md | sha256sum`."""

    version: int
    zh: str
    en: str
    sha256: str


@functools.cache
def text_of(version: int) -> AgreementText:
    zh, en = ((TEXTS / f"v{version}.{language}.md").read_bytes() for language in ("zh", "en"))
    return AgreementText(version, zh.decode(), en.decode(), hashlib.sha256(zh + en).hexdigest())


@functools.cache
def newest_version() -> int:
    return max(int(path.name.split(".")[0].removeprefix("v")) for path in TEXTS.glob("v*.zh.md"))
