"""The verbs that change listings. Keyword-only, one transaction each; `now` is an argument."""

from listings.operations.accelerators import load_accelerators
from listings.operations.algorithms import add_algorithm, edit_algorithm, list_algorithm, withdraw_algorithm
from listings.operations.capacity import (
    edit_capacity,
    list_capacity,
    pause_capacity,
    resume_capacity,
    withdraw_capacity,
)
from listings.operations.facilities import add_facility, add_pool, edit_facility, resize_pool
from listings.operations.plans import add_plan, edit_plan, relist_plan, withdraw_plan
from listings.operations.sales import (
    HourSale,
    free_hours,
    freeze_capacities,
    sell_hours,
    sell_seats,
    thaw_capacities,
)
from listings.operations.upload import upload_capacity_csv
from listings.operations.versions import add_version

__all__ = [
    "HourSale",
    "add_algorithm",
    "add_facility",
    "add_plan",
    "add_pool",
    "add_version",
    "edit_algorithm",
    "edit_capacity",
    "edit_facility",
    "edit_plan",
    "free_hours",
    "freeze_capacities",
    "list_algorithm",
    "list_capacity",
    "load_accelerators",
    "pause_capacity",
    "relist_plan",
    "resize_pool",
    "resume_capacity",
    "sell_hours",
    "sell_seats",
    "thaw_capacities",
    "upload_capacity_csv",
    "withdraw_algorithm",
    "withdraw_capacity",
    "withdraw_plan",
]
