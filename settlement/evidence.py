"""What may be handed in as evidence: papers, pictures and logs, told by their content too."""

import hashlib
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, TypeAlias
from uuid import uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from accounts.errors import InvalidInput

Upload: TypeAlias = "UploadedFile[bytes]"
MOST_FILES = 10


def _begins(*heads: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(heads)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


FORMATS: dict[str, Callable[[bytes], bool]] = {
    ".pdf": _begins(b"%PDF-"),
    ".png": _begins(b"\x89PNG\r\n\x1a\n"),
    ".jpg": _begins(b"\xff\xd8\xff"),
    ".jpeg": _begins(b"\xff\xd8\xff"),
    ".txt": _is_text,
    ".log": _is_text,
    ".csv": _is_text,
    ".json": _is_text,
}


def check_evidence(file: Upload) -> str:
    """The file's SHA-256, where it is of an accepted kind and size. Raises InvalidInput."""
    name = str(file.name)
    suffix = PurePath(name).suffix.lower()
    if suffix not in FORMATS:
        kinds = " ".join(sorted(FORMATS))
        raise InvalidInput(_("%(name)s: hand in one of: %(kinds)s") % {"name": name, "kinds": kinds})
    if not file.size or file.size > settings.EVIDENCE_MAX_BYTES:
        most = settings.EVIDENCE_MAX_BYTES // 1_000_000
        raise InvalidInput(_("%(name)s is empty, or larger than %(most)s MB.") % {"name": name, "most": most})
    content = file.read()
    file.seek(0)
    if not FORMATS[suffix](content):
        raise InvalidInput(_("%(name)s is not what its ending says.") % {"name": name})
    return hashlib.sha256(content).hexdigest()


def kept_as(file: Upload, sha256: str) -> dict[str, Any]:
    """The fields of a checked file's row: its path is random, its name is only shown."""
    name, size = PurePath(str(file.name)).name[:200], file.size or 0
    file.name = f"{uuid4()}{PurePath(name).suffix.lower()}"
    return {"file": file, "name": name, "size_bytes": size, "sha256": sha256}
