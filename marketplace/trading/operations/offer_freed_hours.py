from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import NotAllowed
from accounts.permissions import Permission, require
from listings.operations import free_hours
from marketplace.trading.errors import NotFreed
from marketplace.trading.models import FreedHours
from marketplace.trading.queries.freed_hours import freed_by
from settlement.contracts.models import Contract, Termination


@transaction.atomic
def offer_freed_hours(*, actor: Actor, contract_id: int, now: datetime) -> FreedHours:
    """Give the units of a terminated contract's hours that can still be bought back to their capacities.

    Raises NotAllowed for all but the provider; NotFreed where the contract did not end by agreement or the
    buyer's breach, its delivery failed, its hours were offered before or none is left; InRound while a round
    is cleared with one of the capacities.
    """
    provider = require(actor, Permission.MANAGE_LISTINGS)
    contract = Contract.objects.get(pk=contract_id)
    if provider.pk != contract.provider_id:
        raise NotAllowed(_("Only the provider of a contract offers its hours again."))
    # Of two offers of the same hours the second waits here, and sees the first.
    Termination.objects.select_for_update(no_key=True).filter(contract=contract).first()
    freed = freed_by(contract, now=now)
    if freed.termination is None or freed.refusal:
        raise NotFreed(freed.refusal)
    offered = FreedHours.objects.create(
        termination=freed.termination,
        first_slot=freed.first_slot,
        unit_hours=freed.unit_hours,
        offered_by=actor.user,
        offered_at=now,
    )
    free_hours(sales=freed.sales)
    record(
        actor=actor,
        verb="offer",
        subject=offered,
        detail={
            "contract": contract.number,
            "first_slot": offered.first_slot,
            "unit_hours": offered.unit_hours,
        },
        now=now,
    )
    return offered
