"""The verbs that change listings. Keyword-only, one transaction each; `now` is an argument."""

from listings.operations.accelerators import load_accelerators
from listings.operations.capacity import (
    edit_capacity,
    list_capacity,
    pause_capacity,
    resume_capacity,
    withdraw_capacity,
)
from listings.operations.facilities import add_facility, add_pool, edit_facility, resize_pool
from listings.operations.sales import HourSale, freeze_capacities, sell_hours, sell_seats, thaw_capacities

__all__ = [
    "HourSale",
    "add_facility",
    "add_pool",
    "edit_capacity",
    "edit_facility",
    "freeze_capacities",
    "list_capacity",
    "load_accelerators",
    "pause_capacity",
    "resize_pool",
    "resume_capacity",
    "sell_hours",
    "sell_seats",
    "thaw_capacities",
    "withdraw_capacity",
]
