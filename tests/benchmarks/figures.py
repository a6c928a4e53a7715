"""Measuring a run in a process of its own, so that its memory and its caches are its own."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

Figures = dict[str, Any]


@contextmanager
def clock() -> Iterator[Figures]:
    """Wall and processor seconds of the block, and the most memory the process had by its end."""
    spent: Figures = {}
    wall, cpu = time.perf_counter(), time.process_time()
    yield spent
    spent["seconds"] = time.perf_counter() - wall
    spent["cpu"] = time.process_time() - cpu
    spent["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(figures: Figures) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")


def measure(
    python: Path | str, module: str, *arguments: object, environment: dict[str, str] | None = None
) -> Figures:
    """What `python -m tests.benchmarks.<module>` reports: the last line it prints.

    It runs in a folder that is thrown away: importing ASSUME leaves a log behind.
    """
    command = [str(python), "-m", f"tests.benchmarks.{module}", *map(str, arguments)]
    environment = (environment or dict(os.environ)) | {"PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
    figures: Figures = json.loads(run.stdout.splitlines()[-1])
    return figures
