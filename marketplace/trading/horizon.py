"""Which slots a round sells, and when its gate closes."""

from datetime import datetime, timedelta

from django.conf import settings

from listings.slots import SLOT, slot_of


def next_gate(now: datetime) -> datetime:
    """The first multiple of ROUND_MINUTES of the hour after `now`."""
    minutes = settings.ROUND_MINUTES
    hour = slot_of(now)
    passed = int((now - hour) / timedelta(minutes=minutes))
    return min(hour + (passed + 1) * timedelta(minutes=minutes), hour + SLOT)


def first_slot(gate: datetime) -> datetime:
    """The first full hour after the gate, and ROUND_LEAD_HOURS more for providers to prepare."""
    return slot_of(gate) + (1 + settings.ROUND_LEAD_HOURS) * SLOT
