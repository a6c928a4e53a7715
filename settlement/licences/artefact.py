"""Send a version's file: whole, or from a byte on where a download was cut short (RFC 9110, section 14)."""

import base64
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import IO

from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse

from listings.models import AlgorithmVersion

RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})", re.ASCII)
CHUNK = 1 << 20


def range_of(header: str) -> tuple[int, int | None]:
    """The first and last byte (None: to the end) of a single range; the whole file for any other header."""
    form = RANGE.fullmatch(header.strip())
    return (int(form[1]), int(form[2]) if form[2] else None) if form else (0, None)


def artefact_response(version: AlgorithmVersion, first: int, last: int | None) -> HttpResponseBase:
    """The bytes from `first` to `last` with the whole file's SHA-256, or a redirect to where it is kept."""
    response = _response(version, first, last)
    response["X-Checksum-SHA256"] = version.sha256
    response["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(version.sha256)).decode()}:"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _response(version: AlgorithmVersion, first: int, last: int | None) -> HttpResponseBase:
    if version.reference:
        return HttpResponseRedirect(version.reference)
    end = version.size_bytes - 1
    last = end if last is None else min(last, end)
    if first > last:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{version.size_bytes}"})
    file = version.file.open("rb")
    file.seek(first)
    headers = {
        "Content-Disposition": f'attachment; filename="{name_of(version)}"',
        "Content-Length": str(last - first + 1),
        "Accept-Ranges": "bytes",
        "ETag": f'"{version.sha256}"',
    }
    part = (first, last) != (0, end)
    if part:
        headers["Content-Range"] = f"bytes {first}-{last}/{version.size_bytes}"
    return StreamingHttpResponse(
        _bytes(file, last - first + 1),
        status=206 if part else 200,
        content_type="application/octet-stream",
        headers=headers,
    )


def name_of(version: AlgorithmVersion) -> str:
    """A plain name: a version's number is what its publisher wrote."""
    stem = re.sub(r"[^\w.+-]", "-", f"{version.algorithm.slug}-{version.number}", flags=re.ASCII)
    return f"{stem}{PurePath(version.file.name or '').suffix}"


def _bytes(file: IO[bytes], left: int) -> Iterator[bytes]:
    with file:
        while left and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
