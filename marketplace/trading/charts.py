"""What the charts draw: plain numbers and labels, handed to the page as JSON. Prices stay in fen."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.names import local_name
from listings.models import Accelerator, Pool
from marketplace.trading.queries.market import Depth, IndexLevel, PoolPrices

MOST_INDEX_LINES = 8


def hour_label(slot: datetime) -> str:
    return timezone.localtime(slot).strftime("%m-%d %H:%M")


def pool_label(pool: Pool) -> str:
    """The accelerator first: where there is little room, the facility is cut off."""
    return f"{pool.accelerator.name} · {local_name(pool.facility)}"


def heatmap(rows: Sequence[PoolPrices]) -> dict[str, Any]:
    """One row a pool, one column a slot; a cell is [column, row, price, traded, offered]."""
    slots = sorted({hour.slot for row in rows for hour in row.hours})
    column = {slot: number for number, slot in enumerate(slots)}
    return {
        "pools": [pool_label(row.pool) for row in rows],
        "pages": [reverse("trading:pool", args=[row.pool.pk]) for row in rows],
        "slots": [hour_label(slot) for slot in slots],
        "cells": [
            [column[hour.slot], number, hour.price, hour.volume, hour.offered]
            for number, row in enumerate(rows)
            for hour in row.hours
        ],
        "words": {
            "price": _("Price"),
            "traded": _("Units traded"),
            "offered": _("Units offered"),
            "nothing": _("Nothing offered"),
            "unit": _("/ unit-hour"),
        },
    }


def index_lines(index: Mapping[Accelerator, Sequence[IndexLevel]]) -> dict[str, Any]:
    """A line for each of the accelerators that traded most."""
    traded = sorted(index, key=lambda each: -sum(level.unit_hours for level in index[each]))
    return {
        "lines": [
            {
                "name": str(accelerator),
                "points": [
                    [level.at.isoformat(), round(level.level, 1), round(level.price), level.unit_hours]
                    for level in index[accelerator]
                ],
            }
            for accelerator in traded[:MOST_INDEX_LINES]
        ],
        "words": {
            "index": _("Index"),
            "price": _("Price"),
            "unit": _("/ unit-hour"),
            "hours": _("unit-hours"),
        },
    }


def pool_hours(row: PoolPrices) -> dict[str, Any]:
    return {
        "slots": [hour_label(hour.slot) for hour in row.hours],
        "prices": [hour.price for hour in row.hours],
        "traded": [hour.volume for hour in row.hours],
        "unsold": [hour.offered - hour.volume for hour in row.hours],
        "words": {
            "price": _("Price (CNY / unit-hour)"),
            "traded": _("Units traded"),
            "unsold": _("Units unsold"),
        },
    }


def depth_steps(depth: Depth) -> dict[str, Any]:
    """Both sides cumulated from the best price on: [price, quantity] corners."""
    return {
        "supply": _cumulated([(level.price, level.quantity) for level in depth.supply]),
        "demand": _cumulated([(level.price, level.quantity) for level in depth.demand]),
        "words": {
            "supply": _("Unsold capacity"),
            "demand": _("Unfilled demand"),
            "price": _("CNY / unit-hour"),
        },
    }


def _cumulated(levels: Sequence[tuple[int, int]]) -> list[list[int]]:
    total, corners = 0, []
    for price, quantity in levels:
        total += quantity
        corners.append([price, total])
    return corners
