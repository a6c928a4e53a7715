"""The operator decides a dispute, in writing; the money follows in the same transaction."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import EventKind
from accounts.permissions import require_operator
from settlement.contracts.models import Contract, Termination
from settlement.contracts.operations import tell_parties
from settlement.delivery.errors import DisputeRefused
from settlement.delivery.models import Dispute, DisputeMessage
from settlement.delivery.operations.correct import Mended, correct
from settlement.delivery.operations.dispute import CONCERNED
from settlement.delivery.operations.settle import Basis, Split, settle
from settlement.delivery.operations.terminate import terminated, terminated_splits
from settlement.delivery.queries import HOUR, amount_of, credits_after
from settlement.letters import write_to
from settlement.money import show_yuan

DECIDED = gettext_noop("%(number)s: the dispute is decided")
DECIDED_TEXT = gettext_noop(
    "Of the disputed %(amount)s on contract %(number)s, %(refund)s goes back to the buyer.\n\n%(reasons)s"
)


@transaction.atomic
def decide_dispute(
    *, actor: Actor, dispute_id: int, refund: int, text: str, now: datetime.datetime
) -> Dispute:
    """Give `refund` fen back to the buyer and the rest of what is disputed to the provider.

    Of a licence the disputed part alone moves, at once; the rest goes its own way. Of hours
    the refund is taken from the disputed hours in their order. The rest of those that are over is paid; those
    to come go on as ever where nothing of them is refunded, or, where the contract was terminated meanwhile,
    are shared as its other undelivered hours. Raises DisputeRefused before the answer, or its
    time, has come, and once decided.
    """
    operator = require_operator(actor)
    contract_id = Dispute.objects.values_list("contract", flat=True).get(pk=dispute_id)
    contract = Contract.objects.defer("document").select_for_update(no_key=True).get(pk=contract_id)
    dispute = Dispute.objects.select_for_update(of=("self",)).get(pk=dispute_id)
    if dispute.status == Dispute.Status.DECIDED:
        raise DisputeRefused(_("This dispute is decided."))
    if dispute.status == Dispute.Status.OPEN and now < dispute.answer_due_at:
        raise DisputeRefused(_("The other party may still answer: decide after that, or after its time."))
    if not 0 <= refund <= dispute.amount:
        raise DisputeRefused(_("Give back between nothing and all that is disputed."))
    if not text.strip():
        raise InvalidInput(_("Write down the reasons of the decision."))
    Dispute.objects.filter(pk=dispute.pk).update(
        status=Dispute.Status.DECIDED, refund=refund, decided_by=operator, decided_at=now
    )
    DisputeMessage.objects.create(
        dispute=dispute, kind=DisputeMessage.Kind.DECISION, user=operator, text=text.strip(), written_at=now
    )
    dispute.refresh_from_db()
    _move_money(contract, dispute, refund, now)
    if not Dispute.objects.undecided().filter(contract=contract).exists():
        Contract.objects.filter(pk=contract.pk, status=Contract.Status.DISPUTED).update(
            status=Contract.Status.ACTIVE
        )
    values = {
        "number": contract.number,
        "amount": show_yuan(dispute.amount),
        "refund": show_yuan(refund),
        "reasons": text.strip(),
    }
    for party in (contract.buyer, contract.provider):
        record(
            actor=actor, verb="decide", subject=contract, detail={"fen": refund}, organisation=party, now=now
        )
        write_to(
            organisation_id=party.pk,
            roles=CONCERNED,
            subject=DECIDED,
            text=DECIDED_TEXT,
            values=values,
            now=now,
        )
    tell_parties(contract=contract, kind=EventKind.DISPUTE_DECIDED, data={"dispute": dispute.pk}, now=now)
    return dispute


def _move_money(contract: Contract, dispute: Dispute, refund: int, now: datetime.datetime) -> None:
    termination = Termination.objects.filter(contract=contract).first()
    if contract.kind == Contract.Kind.LICENCE:
        settle(splits=[_disputed_part(contract, dispute, refund, termination)], now=now)
        return
    settled = {each.slot: each for each in contract.deliveries.filter(slot__in=dispute.slots)}
    later = credits_after(each.pk for each in settled.values())
    splits, mended = [], []
    refunds: dict[datetime.datetime | None, int] = {}  # of hours that are not delivered any more
    for slot in dispute.slots:
        done, amount = settled.get(slot), amount_of(contract, slot)
        before = done.credit + later.get(done.pk, 0) if done else 0
        part = min(refund, amount - before)
        refund -= part
        if done is not None:
            done.contract = contract
            mended.append(Mended(done, before + part))
        elif termination and slot >= termination.from_slot:
            refunds[slot] = part
        elif part or slot + HOUR <= now:
            splits.append(Split(contract, slot, amount, part, Basis.DECIDED))
    if termination:
        splits += terminated_splits(contract, termination, refunds=refunds)
    if splits:
        settle(splits=splits, now=now)
    correct(mended=mended, now=now, dispute=dispute)


def _disputed_part(
    contract: Contract, dispute: Dispute, refund: int, termination: Termination | None
) -> Split:
    """Of a licence: where it was terminated meanwhile, what is not refunded follows the ground."""
    [slot] = dispute.slots
    if termination is None:
        return Split(contract, slot, dispute.amount, refund, Basis.DECIDED)
    [split] = terminated(contract, termination, {slot: dispute.amount}, refunds={slot: refund})
    return split
