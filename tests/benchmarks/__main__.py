"""Run the benchmarks and print them as one table: `python -m tests.benchmarks [NAME ...]`.

The comparators are installed into bench-venv/ first, where they are not yet. Figures come from seeded books
and processes of their own; times are wall and processor seconds of this machine at this moment.
"""

import argparse
import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

from tests.benchmarks.figures import ROOT
from tests.benchmarks.table import BENCHMARKS, COMPARATORS_PYTHON, Row, render

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def install_comparators() -> None:
    """Make bench-venv/ hold exactly the requirements, which a copy of them in it records."""
    home = COMPARATORS_PYTHON.parents[1]
    installed = home / REQUIREMENTS.name
    if installed.exists() and installed.read_text() == REQUIREMENTS.read_text():
        return
    print(f"installing the comparators into {home.relative_to(ROOT)}/ ...", file=sys.stderr)
    venv.create(home, with_pip=True, clear=True)
    subprocess.run([COMPARATORS_PYTHON, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True)
    installed.write_text(REQUIREMENTS.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all by default"
    )
    parser.add_argument(
        "--milp-seconds",
        type=float,
        default=120.0,
        help="what HiGHS's branch and bound is given (default 120)",
    )
    given = parser.parse_args()
    unknown = set(given.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    install_comparators()
    rows: list[Row] = []
    for name in given.names or BENCHMARKS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += (measured := list(BENCHMARKS[name](given.milp_seconds)))
        print(render(measured), file=sys.stderr, flush=True)  # The whole takes a while: show what is known.
    print(f"{platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} cores")
    print(render(rows))


if __name__ == "__main__":
    main()
