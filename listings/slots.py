"""A slot is one hour, on the hour, UTC."""

import datetime

SLOT = datetime.timedelta(hours=1)


def slot_of(at: datetime.datetime) -> datetime.datetime:
    """The slot that `at` falls in."""
    return at.astimezone(datetime.UTC).replace(minute=0, second=0, microsecond=0)


def is_slot(at: datetime.datetime) -> bool:
    return at == slot_of(at)
