"""The demo's algorithms: illustrative listings with a real, tiny file each, and demand for their licences."""

import json
import struct
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.audit import Actor
from listings.models import Accelerator, Algorithm, LicencePlan
from listings.operations import add_algorithm, add_plan, add_version, list_algorithm

ALGORITHMS = json.loads((Path(__file__).parent / "data" / "algorithms.json").read_text())["algorithms"]
CARD = """## {name}

An **illustrative** listing: the demo made this file, and no such model is licensed here.

| what | value |
| --- | --- |
| task | {task} |
| stacks | {stacks} |
"""


def ensure_algorithms(publishers: list[Actor], *, now: datetime) -> None:
    """List what is missing of the demo's algorithms, in turn by these publishers."""
    for number, entry in enumerate(ALGORITHMS):
        if not Algorithm.objects.filter(name_en=entry["name_en"]).exists():
            _list(entry, publishers[number % len(publishers)], now)


def _list(entry: dict[str, Any], publisher: Actor, now: datetime) -> None:
    card = CARD.format(name=entry["name_en"], task=entry["task"], stacks=", ".join(entry["stacks"]))
    described = ("name_zh", "name_en", "task", "modality", "filing_number")
    algorithm = add_algorithm(
        actor=publisher, now=now, card=card, **{name: entry[name] for name in described}
    )
    add_version(
        actor=publisher,
        algorithm=algorithm,
        number="1.0.0",
        file=SimpleUploadedFile("model.safetensors", _safetensors(entry["name_en"])),
        stacks=entry["stacks"],
        accelerators=list(Accelerator.objects.filter(slug__in=entry["accelerators"])),
        now=now,
    )
    for plan in entry["plans"]:
        add_plan(actor=publisher, algorithm=algorithm, now=now, **plan)
    list_algorithm(actor=publisher, algorithm=algorithm, now=now)


def _safetensors(title: str) -> bytes:
    """The smallest file of the format: a header that names one tensor, and its four bytes."""
    tensor = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    header = json.dumps({"__metadata__": {"title": title}, "weight": tensor}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(4)


@dataclass(frozen=True)
class LicenceDemand:
    plan: LicencePlan
    seats: int
    limit_price: int  # fen a seat


def draw_licences(count: int, *, seed: int) -> list[LicenceDemand]:
    """What is asked for, at synthetic limit prices, log-normal around the posted prices."""
    rng = np.random.default_rng(seed)
    plans = list(LicencePlan.objects.filter(algorithm__name_en__in=[e["name_en"] for e in ALGORITHMS]))
    drawn = []
    for _ in range(count):
        plan = plans[rng.integers(len(plans))]
        seats = 1 if plan.supply == 1 else int(rng.integers(1, 4))
        drawn.append(LicenceDemand(plan, seats, round(plan.price * float(rng.lognormal(0.1, 0.2)))))
    return drawn
