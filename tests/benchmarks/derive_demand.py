"""Derives marketplace/trading/data/demand.json from the raw files of three public cluster traces.

    python -m tests.benchmarks.derive_demand FOLDER > marketplace/trading/data/demand.json

FOLDER holds kalos_jobs.csv, gavel_msr_seed0.trace and philly_runtimes_seconds.csv, as `sources` in the
derived file names them. Only figures leave the folder: a histogram, quantiles and counts by hour.
"""

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

SHORTEST_TRADED = 600  # seconds; a shorter job would not buy an hour
PROBABILITIES = [*(percent / 100 for percent in range(100)), 0.995, 0.999, 1.0]

SOURCES = {
    "kalos": {
        "what": "319 jobs of the Kalos cluster, Shanghai AI Laboratory: accelerators a job",
        "from": "InternLM/AcmeTrace, in the fork hyunnnchoi/AcmeTrace at 30f09c68",
        "paper": "Hu et al., NSDI 2024",
        "licence": "CC BY 4.0",
    },
    "gavel": {
        "what": "2,000 jobs of a trace sampled from Microsoft's clusters: accelerators a job, arrivals",
        "from": "stanford-futuredata/gavel at c4fa4009",
        "paper": "Narayanan et al., OSDI 2020",
        "licence": "MIT, Copyright (c) 2020 Stanford Future Data Systems",
    },
    "philly": {
        "what": "runtimes of 83,154 jobs of Microsoft's Philly cluster",
        "from": "msr-fiddle/philly-traces, as shipped in alibaba/clusterdata at 7a6c496e",
        "paper": "Jeon et al., ATC 2019",
        "licence": "CC BY 4.0",
    },
}


def histogram(values: Iterable[int]) -> dict[str, list[int]]:
    """Distinct values in ascending order, and how many jobs have each."""
    counts = sorted(Counter(values).items())
    return {"value": [value for value, _ in counts], "jobs": [jobs for _, jobs in counts]}


def derive(folder: Path) -> dict[str, object]:
    with (folder / "kalos_jobs.csv").open(newline="") as file:
        kalos = [int(row["gpu_workers"]) for row in csv.DictReader(file)]
    gavel = [line.split("\t") for line in (folder / "gavel_msr_seed0.trace").read_text().splitlines()]
    seconds = np.array((folder / "philly_runtimes_seconds.csv").read_text().split()[1:], dtype=float)
    hours = seconds[seconds >= SHORTEST_TRADED] / 3600
    arrivals = Counter(int(float(fields[5]) % 86400 // 3600) for fields in gavel)
    return {
        "about": "Figures derived from public cluster traces by tests/benchmarks/derive_demand.py. "
        "No public trace holds what buyers would pay: limit prices are synthetic wherever they are used.",
        "accelerators": {
            "about": "accelerators a job asks for: value, and the number of jobs that ask for it",
            "kalos": histogram(kalos),
            "gavel": histogram(int(fields[6]) for fields in gavel),
        },
        "duration_hours": {
            "about": f"quantiles of the runtimes of Philly's {len(hours)} jobs of ten minutes or longer",
            "probability": PROBABILITIES,
            "hours": [round(float(quantile), 4) for quantile in np.quantile(hours, PROBABILITIES)],
        },
        "arrivals_by_hour": {
            "about": "Gavel's jobs by hour of day, from the trace's first job on, not from midnight",
            "jobs": [arrivals[hour] for hour in range(24)],
        },
        "sources": SOURCES,
    }


if __name__ == "__main__":
    text = json.dumps(derive(Path(sys.argv[1])), indent=1)
    one_line_lists = re.sub(r"\[[^\[\]{}]*\]", lambda match: " ".join(match[0].split()), text)
    sys.stdout.write(one_line_lists + "\n")
