"""Measuring a run in a process of its own, so that its memory and its caches are its own."""

import json
import resource
import subprocess
import sys
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


def measure(python: Path | str, module: str, *arguments: object) -> Figures:
    """What `python -m tests.benchmarks.<module>` reports: the last line it prints."""
    command = [str(python), "-m", f"tests.benchmarks.{module}", *map(str, arguments)]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    figures: Figures = json.loads(output.splitlines()[-1])
    return figures
