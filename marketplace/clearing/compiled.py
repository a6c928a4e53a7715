"""numba's compiler, with a cache on disk that belongs to exactly these sources.

numba stores a compiled function under its own file's stamp and does not notice that a function it calls, in
another file, has changed. So the cache lives in a folder named by a digest of all sources of the package.
"""

import hashlib
import os
import shutil
from pathlib import Path

import numba
from numba import njit

__all__ = ["njit"]

PREFIX = "clearing-"


def digest(package: Path) -> str:
    """Of the names and contents of all sources below `package`."""
    found = hashlib.sha256()
    for source in sorted(package.rglob("*.py")):
        content = source.read_bytes()
        found.update(f"{source.relative_to(package)} {len(content)}\n".encode() + content)
    return found.hexdigest()[:16]


def cache_folder(package: Path, base: Path) -> Path:
    """Where to keep what is compiled from `package`.

    Of the folders that other sources left in `base` only the newest stays: processes of the release before
    this one may still run.
    """
    folder = base / f"{PREFIX}{digest(package)}"
    folder.mkdir(parents=True, exist_ok=True)
    others = [other for other in base.glob(f"{PREFIX}*") if other != folder]
    for stale in sorted(others, key=lambda other: other.stat().st_mtime)[:-1]:
        shutil.rmtree(stale, ignore_errors=True)
    return folder


def base_folder(package: Path) -> Path:
    """NUMBA_CACHE_DIR if it is set, else beside the sources or, where these are read-only, in the home."""
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(given)
    beside = package / "__pycache__"
    writable = os.access(beside if beside.exists() else package, os.W_OK)
    return beside if writable else Path.home() / ".cache" / "suanpan"


PACKAGE = Path(__file__).parent
numba.config.CACHE_DIR = str(cache_folder(PACKAGE, base_folder(PACKAGE)))  # type: ignore[attr-defined]
