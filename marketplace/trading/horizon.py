"""Which slots a round sells, and when its gate closes."""

from datetime import datetime, timedelta

from django.conf import settings

from listings.slots import SLOT, slot_of


def next_gate(now: datetime) -> datetime:
    """The first multiple of ROUND_MINUTES of the hour after `now`."""
    step = timedelta(minutes=settings.ROUND_MINUTES)
    hour = slot_of(now)
    return min(hour + ((now - hour) // step + 1) * step, hour + SLOT)


def first_slot(gate: datetime) -> datetime:
    """The first full hour after the gate, and ROUND_LEAD_HOURS more for providers to prepare."""
    hours_ahead: int = 1 + settings.ROUND_LEAD_HOURS
    return slot_of(gate) + hours_ahead * SLOT
