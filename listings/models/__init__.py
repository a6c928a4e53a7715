"""What is traded: facilities, accelerators, pools and capacity; algorithms, versions and licence plans."""

from listings.models.accelerator import Accelerator
from listings.models.algorithm import Algorithm, AlgorithmVersion, DataClass, Modality, Task
from listings.models.capacity import Capacity, CapacityHour, OnTheHour
from listings.models.facility import Facility, Hub, Pool
from listings.models.licence_plan import LicencePlan

__all__ = [
    "Accelerator",
    "Algorithm",
    "AlgorithmVersion",
    "Capacity",
    "CapacityHour",
    "DataClass",
    "Facility",
    "Hub",
    "LicencePlan",
    "Modality",
    "OnTheHour",
    "Pool",
    "Task",
]
