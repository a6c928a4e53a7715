"""What may be uploaded as an algorithm's file: formats that hold weights and graphs, none that runs code.

Pickle, the format behind most `.pt`, `.pth`, `.bin` and `.ckpt` files, runs whatever it contains when it is
opened, so it is refused, under any name and inside an archive.
"""

import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import PurePath
from typing import TypeAlias
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from accounts.errors import InvalidInput
from listings.artefacts import CHECKS, check_archive

Upload: TypeAlias = "UploadedFile[bytes]"

PICKLED = frozenset(
    ".bin .ckpt .dill .h5 .joblib .keras .mar .npy .npz .pickle .pkl .pt .pt2 .pth .t7".split()  # noqa: SIM905
)
NESTED = frozenset([".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip", ".zst"])
# Protocols 2 to 5, which every pickler writes today.
PICKLE_HEAD = re.compile(rb"\x80[\x02-\x05]")
ZIP_HEAD = b"PK\x03\x04"
ENCRYPTED = 0x1


def is_safetensors(file: Upload) -> bool:
    return bool(file.read(9)[8:] == b"{")


def is_gguf(file: Upload) -> bool:
    return bool(file.read(4) == b"GGUF")


def is_onnx(file: Upload) -> bool:
    """A protocol buffer that begins with the model's `ir_version`."""
    return bool(file.read(1) == b"\x08")


def is_zip(file: Upload) -> bool:
    begins_so = bool(file.read(4) == ZIP_HEAD)
    return begins_so and zipfile.is_zipfile(file)


FORMATS: dict[str, Callable[[Upload], bool]] = {
    ".safetensors": is_safetensors,
    ".gguf": is_gguf,
    ".onnx": is_onnx,
    ".zip": is_zip,
}


def check_upload(file: Upload) -> str:
    """The file's suffix, where it is of an accepted format and size. Raises InvalidInput."""
    suffix = PurePath(file.name or "").suffix.lower()
    _refuse_pickled(suffix)
    if suffix not in FORMATS:
        raise InvalidInput(_("Upload one of these: %(formats)s.") % {"formats": ", ".join(FORMATS)})
    if not file.size:
        raise InvalidInput(_("The file is empty."))
    if file.size > settings.ALGORITHM_MAX_BYTES:
        raise InvalidInput(
            _("The file is larger than %(most)s MB. Give a reference to where it is kept instead.")
            % {"most": settings.ALGORITHM_MAX_BYTES // 1_000_000}
        )
    file.seek(0)
    if not FORMATS[suffix](file):
        raise InvalidInput(_("This is not a %(suffix)s file, whatever its name says.") % {"suffix": suffix})
    file.seek(0)
    if suffix == ".zip":
        _check_members(file)
    elif suffix in CHECKS:
        CHECKS[suffix](file.file, file.size)
    file.seek(0)
    return suffix


def check_reference(reference: str) -> None:
    """Refuse an address of what could not be uploaded either. Raises InvalidInput."""
    if not reference.startswith("https://"):
        raise InvalidInput(_("A reference begins with https://."))
    _refuse_pickled(PurePath(urlsplit(reference).path).suffix.lower())


def sha256_of(file: Upload) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _refuse_pickled(suffix: str) -> None:
    if suffix in PICKLED:
        raise InvalidInput(
            _("%(suffix)s files can run code when they are opened. Convert the weights to safetensors.")
            % {"suffix": suffix}
        )


def _check_members(file: Upload) -> None:
    """Members are read in passing: nothing is unpacked, so an archive bomb does nothing."""
    try:
        with zipfile.ZipFile(file) as archive:
            check_archive(archive, file.size or 0)
            for member in archive.infolist():
                _check_member(archive, member)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise InvalidInput(_("This archive is damaged, or compressed in a way that is not known.")) from error


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    name = member.filename
    if member.flag_bits & ENCRYPTED:
        raise InvalidInput(_("The archive is encrypted, so that nobody can check it."))
    suffix = PurePath(name.replace("\\", "/").rstrip(" .")).suffix.lower()
    with archive.open(member) as opened:
        head = opened.read(4)
    if suffix in PICKLED or PICKLE_HEAD.match(head):
        raise InvalidInput(
            _("The archive holds %(name)s, which can run code when it is opened.") % {"name": name}
        )
    if suffix in NESTED or head == ZIP_HEAD:
        raise InvalidInput(_("The archive holds another archive, %(name)s.") % {"name": name})
    if suffix in CHECKS:
        with archive.open(member) as opened:
            CHECKS[suffix](opened, member.file_size)
