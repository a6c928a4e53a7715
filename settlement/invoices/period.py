"""Calendar months of the exchange's zone: the same for both parties of an invoice."""

import datetime
from zoneinfo import ZoneInfo

from django.conf import settings

EARLIEST, LATEST = datetime.date(2000, 1, 1), datetime.date(2199, 12, 1)  # Months that can be asked for.


def local_day(moment: datetime.datetime) -> datetime.date:
    return moment.astimezone(ZoneInfo(settings.EXCHANGE_ZONE)).date()


def month_of(moment: datetime.datetime) -> datetime.date:
    """The first day of the month that a moment is in."""
    return local_day(moment).replace(day=1)


def month_after(month: datetime.date) -> datetime.date:
    return (month + datetime.timedelta(days=31)).replace(day=1)


def start_of(day: datetime.date) -> datetime.datetime:
    """The day's first moment, in UTC."""
    midnight = datetime.datetime.combine(day, datetime.time.min, ZoneInfo(settings.EXCHANGE_ZONE))
    return midnight.astimezone(datetime.UTC)
