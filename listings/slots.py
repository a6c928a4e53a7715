"""A slot is one hour, on the hour, UTC."""

import datetime

from django.utils import timezone

SLOT = datetime.timedelta(hours=1)


def slot_of(at: datetime.datetime) -> datetime.datetime:
    """The slot that `at` falls in."""
    return at.astimezone(datetime.UTC).replace(minute=0, second=0, microsecond=0)


def is_slot(at: datetime.datetime) -> bool:
    return at == slot_of(at)


def shown(slot: datetime.datetime) -> str:
    """A slot in the zone of whoever asks, for a sentence."""
    return f"{timezone.localtime(slot):%Y-%m-%d %H:%M %Z}"
