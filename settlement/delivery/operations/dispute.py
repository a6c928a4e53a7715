"""Open a dispute and answer it. While it is undecided, release passes over its hours."""

import datetime
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.audit import Actor, record
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import EventKind, Role
from accounts.permissions import Permission, require
from settlement.contracts.models import Contract
from settlement.contracts.operations import tell_parties
from settlement.delivery.errors import DisputeRefused
from settlement.delivery.models import Correction, Delivery, Dispute, DisputeMessage, Evidence
from settlement.delivery.queries import (
    HOUR,
    amount_of,
    credits_after,
    disputed_fen,
    frozen_slots,
    slots_of,
)
from settlement.evidence import MOST_FILES, Upload, check_evidence, kept_as
from settlement.letters import write_to
from settlement.money import show_yuan

Kind = DisputeMessage.Kind
LONGEST = 10_000
CONCERNED = [Role.OWNER, Role.TRADER, Role.FINANCE]
OPENED = gettext_noop("%(number)s: a dispute was opened")
OPENED_TEXT = {
    Contract.Kind.COMPUTE: gettext_noop(
        "The other party of contract %(number)s disputes %(hours)d hours of it.\n\n"
        "Answer on the contract's page by %(due)s; after that the exchange may decide without your answer."
    ),
    Contract.Kind.LICENCE: gettext_noop(
        "The other party of contract %(number)s disputes %(amount)s of its price.\n\n"
        "Answer on the contract's page by %(due)s; after that the exchange may decide without your answer."
    ),
}


@transaction.atomic
def open_dispute(
    *,
    actor: Actor,
    contract_id: int,
    text: str,
    now: datetime.datetime,
    first_slot: datetime.datetime | None = None,
    last_slot: datetime.datetime | None = None,
    amount: int | None = None,
    files: Sequence[Upload] = (),
) -> Dispute:
    """Dispute the slots from `first_slot` to `last_slot` (exclusive), an amount in fen, or both.

    An amount alone is put on the contract's latest undisputed hours until they cover it. Hours already paid
    may be disputed for a while; what is decided then comes from what the provider has receivable. A licence
    is disputed by amount alone (without one, all that no dispute is about yet), and only while the time to
    accept it runs. Raises DisputeRefused.
    """
    party = require(actor, Permission.DISPUTE)
    own = Contract.objects.of(party)
    contract = own.defer("document").select_for_update(no_key=True).filter(pk=contract_id).first()
    if contract is None:
        raise NotAllowed(_("Only a party of a contract disputes it."))
    licence = contract.kind == Contract.Kind.LICENCE
    worth = _rest_of_licence(contract, now) if licence else _disputable(contract, now)
    if licence:
        chosen = list(worth)
    elif first_slot is not None and last_slot is not None:
        chosen = [slot for slot in slots_of(contract) if first_slot <= slot < last_slot]
        if not chosen or any(slot not in worth for slot in chosen):
            raise DisputeRefused(
                _("Some of these hours are not the contract's, are in dispute, or were settled too long ago.")
            )
    elif amount is not None:
        chosen = _latest_that_cover(worth, amount)
    else:
        raise DisputeRefused(_("Say which hours you dispute, or how much."))
    total = sum(worth[slot] for slot in chosen)
    if amount is not None and not 0 < amount <= total:
        raise DisputeRefused(_("The amount must be above zero and no more than what you dispute is worth."))
    if not total:
        raise DisputeRefused(_("This costs nothing: there is nothing to give back."))
    due = now + datetime.timedelta(hours=settings.DISPUTE_ANSWER_HOURS)
    dispute = Dispute.objects.create(
        contract=contract,
        opened_by=party,
        slots=sorted(chosen),
        amount=total if amount is None else amount,
        opened_at=now,
        answer_due_at=due,
    )
    _write(dispute, actor, Kind.CLAIM, text, files, now)
    Contract.objects.filter(pk=contract.pk, status=Contract.Status.ACTIVE).update(
        status=Contract.Status.DISPUTED
    )
    record(actor=actor, verb="dispute", subject=contract, detail={"fen": dispute.amount}, now=now)
    values = {
        "number": contract.number,
        "hours": len(chosen),
        "amount": show_yuan(dispute.amount),
        "due": f"{due:%Y-%m-%d %H:%M} UTC",
    }
    write_to(
        organisation_id=dispute.other_party_id,
        roles=CONCERNED,
        subject=OPENED,
        text=OPENED_TEXT[Contract.Kind(contract.kind)],
        values=values,
        now=now,
    )
    tell_parties(contract=contract, kind=EventKind.DISPUTE_OPENED, data={"dispute": dispute.pk}, now=now)
    return dispute


@transaction.atomic
def answer_dispute(
    *, actor: Actor, dispute_id: int, text: str, now: datetime.datetime, files: Sequence[Upload] = ()
) -> DisputeMessage:
    """Add a line to the thread; the other party's first is its answer. Raises DisputeRefused once decided."""
    party = require(actor, Permission.DISPUTE)
    seen = Dispute.objects.of(party).filter(pk=dispute_id)
    dispute = seen.select_related("contract").select_for_update(of=("self",)).first()
    if dispute is None:
        raise NotAllowed(_("Only the parties of a contract write in its dispute."))
    if dispute.status == Dispute.Status.DECIDED:
        raise DisputeRefused(_("This dispute is decided."))
    answers = dispute.status == Dispute.Status.OPEN and party.pk == dispute.other_party_id
    if answers:
        dispute.status = Dispute.Status.ANSWERED
        dispute.save(update_fields=["status"])
    return _write(dispute, actor, Kind.ANSWER if answers else Kind.MESSAGE, text, files, now)


def _rest_of_licence(contract: Contract, now: datetime.datetime) -> dict[datetime.datetime, int]:
    """What of the price no dispute is about yet, under a slot that numbers the disputes."""
    if not contract.in_acceptance(now=now):
        raise DisputeRefused(_("The time to accept this licence is over: its price can be disputed no more."))
    rest = contract.escrow - disputed_fen([contract.pk]).get(contract.pk, 0)
    if contract.total and not rest:
        raise DisputeRefused(_("All that is in escrow is in dispute: write in the dispute that there is."))
    return {contract.starts_at + contract.disputes.count() * HOUR: rest}


def _disputable(contract: Contract, now: datetime.datetime) -> dict[datetime.datetime, int]:
    """What each slot still has to give back: all of it unsettled, else what the provider was paid for it.

    What a decision gave back is not disputed again.
    """
    frozen = frozen_slots([contract.pk])
    oldest = now - datetime.timedelta(days=settings.DISPUTE_WINDOW_DAYS)
    settled = {each.slot: each for each in contract.deliveries.all()}
    later = credits_after(each.pk for each in settled.values())
    decisions = Correction.objects.filter(delivery__contract=contract, dispute__isnull=False)
    decided = set(decisions.values_list("delivery__slot", flat=True))
    worth = {}
    for slot in slots_of(contract):
        done = settled.get(slot)
        if slot in decided or (contract.pk, slot) in frozen or (done and done.released_at < oldest):
            continue
        if done is None and contract.ended_at is not None:
            continue
        if done is None:
            worth[slot] = amount_of(contract, slot)
        elif done.basis not in (Delivery.Basis.DECIDED, Delivery.Basis.TERMINATED):
            worth[slot] = done.amount - done.credit - later.get(done.pk, 0)
    return worth


def _latest_that_cover(worth: dict[datetime.datetime, int], amount: int) -> list[datetime.datetime]:
    chosen: list[datetime.datetime] = []
    for slot in sorted(worth, reverse=True):
        if sum(worth[each] for each in chosen) >= amount:
            break
        chosen.append(slot)
    return chosen


def _write(
    dispute: Dispute,
    actor: Actor,
    kind: DisputeMessage.Kind,
    text: str,
    files: Sequence[Upload],
    now: datetime.datetime,
) -> DisputeMessage:
    if not text.strip() or len(text) > LONGEST:
        raise InvalidInput(_("Write between one and ten thousand characters."))
    if len(files) > MOST_FILES:
        raise InvalidInput(_("Hand in ten files at most; write again for more."))
    hashes = [check_evidence(file) for file in files]
    message = DisputeMessage.objects.create(
        dispute=dispute,
        kind=kind,
        organisation=actor.organisation,
        user=actor.user,
        text=text.strip(),
        written_at=now,
    )
    for file, sha256 in zip(files, hashes, strict=True):
        Evidence.objects.create(message=message, **kept_as(file, sha256))
    return message
