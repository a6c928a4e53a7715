"""The buyer accepts a licence: its price is paid before the acceptance period is over."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.audit import Actor, record
from accounts.errors import NotAllowed
from accounts.permissions import Permission, require
from settlement.contracts.errors import AcceptanceRefused
from settlement.contracts.models import Contract
from settlement.delivery.operations.dispute import CONCERNED
from settlement.delivery.operations.release import rest_of_licence
from settlement.delivery.operations.settle import Basis, settle
from settlement.delivery.queries import disputed_fen
from settlement.letters import write_to
from settlement.money import show_yuan

ACCEPTED = gettext_noop("%(number)s: the buyer has accepted the licence")
ACCEPTED_TEXT = gettext_noop(
    "The buyer has accepted what contract %(number)s licenses: %(paid)s has left the escrow, less the"
    " platform's fee, and is yours. It can be disputed no more."
)


@transaction.atomic
def accept_licence(*, actor: Actor, contract_id: int, now: datetime.datetime) -> Contract:
    """As the buyer, take a licence as it is. Raises NotAllowed, AcceptanceRefused.

    Who may dispute the price may also say that there is nothing to dispute.
    """
    buyer = require(actor, Permission.DISPUTE)
    bought = Contract.objects.filter(kind=Contract.Kind.LICENCE, buyer=buyer)
    contract = bought.defer("document").select_for_update(no_key=True).filter(pk=contract_id).first()
    if contract is None:
        raise NotAllowed(_("Only the buyer of a licence accepts it."))
    if not contract.in_acceptance(now=now):
        raise AcceptanceRefused(_("The time to accept this licence is over; nothing remains to be done."))
    if disputed_fen([contract.pk]):
        raise AcceptanceRefused(
            _("This licence is in dispute. What is not disputed is paid when the time to accept it is over.")
        )
    paid = contract.escrow
    settle(splits=list(rest_of_licence(contract, 0, Basis.ACCEPTED)), now=now)
    contract.refresh_from_db()
    for party in (contract.buyer, contract.provider):
        record(
            actor=actor, verb="accept", subject=contract, detail={"fen": paid}, organisation=party, now=now
        )
    write_to(
        organisation_id=contract.provider_id,
        roles=CONCERNED,
        subject=ACCEPTED,
        text=ACCEPTED_TEXT,
        values={"number": contract.number, "paid": show_yuan(paid)},
        now=now,
    )
    return contract
