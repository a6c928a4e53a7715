"""What is compiled is kept in a folder that belongs to the sources, all of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from marketplace.clearing.compiled import PREFIX, cache_folder, digest


@pytest.fixture
def package(tmp_path: Path) -> Path:
    package = tmp_path / "package"
    (package / "inner").mkdir(parents=True)
    (package / "kernel.py").write_text("def kernel(): return 1\n")
    (package / "inner" / "callee.py").write_text("def callee(): return 1\n")
    return package


def test_a_change_of_any_source_gets_a_folder_of_its_own(package: Path, tmp_path: Path) -> None:
    folders = [cache_folder(package, tmp_path), cache_folder(package, tmp_path)]
    (package / "inner" / "callee.py").write_text("def callee(): return 2\n")
    folders.append(cache_folder(package, tmp_path))
    (package / "inner" / "callee.py").rename(package / "inner" / "renamed.py")
    folders.append(cache_folder(package, tmp_path))
    assert folders[0] == folders[1]
    assert len(set(folders)) == 3


def test_only_the_newest_of_the_older_folders_stays(package: Path, tmp_path: Path) -> None:
    for age in (10, 20, 30):
        older = tmp_path / f"{PREFIX}{age}"
        older.mkdir()
        (older / "kernel.nbc").write_text("compiled")
        os.utime(older, (1e9 - age, 1e9 - age))
    (tmp_path / "of-another").mkdir()
    folder = cache_folder(package, tmp_path)
    assert folder.name == f"{PREFIX}{digest(package)}"
    assert {path.name for path in tmp_path.iterdir()} == {
        "package",
        "of-another",
        f"{PREFIX}10",
        folder.name,
    }


def test_the_kernels_are_kept_where_the_environment_says(tmp_path: Path) -> None:
    program = "from marketplace.clearing import market; print(market.place.stats.cache_path)"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    run = [sys.executable, "-c", program]
    printed = subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout
    assert Path(printed.strip()).parent.parent == tmp_path
