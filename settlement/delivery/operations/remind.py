"""Tell providers of closed hours that nobody has metered: once an hour, in one letter a contract."""

import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from accounts.models import Role
from settlement.contracts.models import Contract
from settlement.delivery.models import MeterReminder
from settlement.delivery.queries import HOUR, delivered_in, frozen_slots, slots_of
from settlement.letters import write_to

SUBJECT = gettext_noop("%(number)s: hours without a meter")
TEXT = gettext_noop(
    "%(hours)d hours of contract %(number)s are over and have no meter, the first from %(first)s.\n\n"
    "Report what was delivered. An hour that nobody meters within %(wait)d hours goes back to the buyer."
)


def remind_of_unmetered_hours(*, now: datetime.datetime) -> int:
    """The number of contracts whose provider was written to."""
    until = now - datetime.timedelta(hours=settings.METER_REMINDER_HOURS) - HOUR
    waiting = Contract.objects.running().filter(
        kind=Contract.Kind.COMPUTE, settled_until__lt=F("ends_at"), settled_until__lte=until
    )
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    return sum(_remind(contract_id, until, now) for contract_id in ids)


@transaction.atomic
def _remind(contract_id: int, until: datetime.datetime, now: datetime.datetime) -> bool:
    contract = Contract.objects.defer("document").select_for_update(no_key=True).get(pk=contract_id)
    known = {slot for _, slot in delivered_in([contract_id])} | {
        slot for _, slot in frozen_slots([contract_id])
    }
    known |= set(contract.meter_reminders.values_list("slot", flat=True))
    known |= {slot for slot in contract.deliveries.values_list("slot", flat=True) if slot is not None}
    late = [slot for slot in slots_of(contract) if slot <= until and slot not in known]
    if not late:
        return False
    MeterReminder.objects.bulk_create(
        MeterReminder(contract=contract, slot=slot, sent_at=now) for slot in late
    )
    values = {
        "number": contract.number,
        "hours": len(late),
        "first": f"{late[0]:%Y-%m-%d %H:%M} UTC",
        "wait": settings.UNMETERED_RETURN_HOURS,
    }
    roles = [Role.OWNER, Role.ENGINEER]
    write_to(
        organisation_id=contract.provider_id, roles=roles, subject=SUBJECT, text=TEXT, values=values, now=now
    )
    return True
