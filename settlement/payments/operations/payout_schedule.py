"""What an organisation earns is paid out without being asked for, once a period."""

import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from accounts.audit import Actor, record
from accounts.models import Organisation
from accounts.permissions import NotVerified, Permission, require
from settlement.ledger.errors import InsufficientFunds, KeyUsedForAnotherBody
from settlement.ledger.queries import balance_of
from settlement.payments.errors import PayoutRefused
from settlement.payments.models import Payout, PayoutSchedule, PayoutSource, Rail
from settlement.payments.models.payout import SCHEDULED
from settlement.payments.operations.payout import open_payout, refuse_unless_payable

Frequency = PayoutSchedule.Frequency
# Too little to pay out, nowhere to pay it to, or another run came first.
NOT_NOW = (NotVerified, PayoutRefused, InsufficientFunds, KeyUsedForAnotherBody)


@transaction.atomic
def choose_payout_schedule(
    *, actor: Actor, frequency: PayoutSchedule.Frequency, now: datetime.datetime, rail: Rail = Rail.BANK
) -> PayoutSchedule:
    organisation = require(actor, Permission.MOVE_MONEY)
    schedule, _ = PayoutSchedule.objects.update_or_create(
        organisation=organisation, defaults={"frequency": frequency, "rail": rail, "changed_at": now}
    )
    record(actor=actor, verb="choose", subject=schedule, detail={"frequency": frequency.value}, now=now)
    return schedule


def period_of(frequency: PayoutSchedule.Frequency, now: datetime.datetime) -> str:
    """`2026-W23` or `2026-06`, in the exchange's zone."""
    day = now.astimezone(ZoneInfo(settings.EXCHANGE_ZONE)).date()
    if frequency == Frequency.WEEKLY:
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    return f"{day:%Y-%m}"


def pay_out_on_schedule(*, now: datetime.datetime) -> int:
    """Pay out all that is receivable, once a period, as soon as it is the minimum; the number paid out.

    It may run as often as one likes: the key of a payout is its period.
    """
    schedules = PayoutSchedule.objects.exclude(frequency=Frequency.NONE).select_related("organisation")
    return sum(_pay_out(schedule, now) for schedule in schedules.order_by("organisation"))


def _pay_out(schedule: PayoutSchedule, now: datetime.datetime) -> bool:
    organisation: Organisation = schedule.organisation
    key = SCHEDULED + period_of(Frequency(schedule.frequency), now)
    if Payout.objects.filter(organisation=organisation, key=key).exists():
        return False
    amount = balance_of(organisation).receivable
    try:
        refuse_unless_payable(organisation, amount)
        open_payout(
            organisation=organisation,
            rail=Rail(schedule.rail),
            taken_from=PayoutSource.RECEIVABLE,
            amount=amount,
            key=key,
            asked_by=None,
            now=now,
        )
    except NOT_NOW:
        return False
    return True
