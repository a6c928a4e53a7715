"""End a contract before its time: what is over is settled by its meters, what is not is never delivered."""

import datetime
from collections.abc import Mapping

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.audit import Actor, record
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Organisation, User
from accounts.permissions import Permission, require, require_operator
from settlement.contracts.errors import TerminationRefused
from settlement.contracts.models import Contract, Ground, Termination, TerminationProposal
from settlement.contracts.termination import break_fee_basis_points, break_fees
from settlement.delivery.operations.dispute import CONCERNED
from settlement.delivery.operations.release import closed_splits, rest_of_licence
from settlement.delivery.operations.settle import Basis, Split, settle
from settlement.delivery.queries import amount_of, disputed_fen, frozen_slots, slots_of
from settlement.letters import write_to
from settlement.money import show_yuan

Status = TerminationProposal.Status
LONGEST = 10_000
PROPOSED = gettext_noop("%(number)s: the other party proposes to end it")
PROPOSED_TEXT = {
    Contract.Kind.COMPUTE: gettext_noop(
        "The other party of contract %(number)s proposes to end it from %(from)s on.\n\n%(reasons)s\n\n"
        "Accept or decline on the contract's page before that hour begins."
    ),
    Contract.Kind.LICENCE: gettext_noop(
        "The other party of licence contract %(number)s proposes to end it.\n\n%(reasons)s\n\n"
        "Accept or decline on the contract's page before %(until)s."
    ),
}
ANSWERED = gettext_noop("%(number)s: your proposal to end it was declined")
ANSWERED_TEXT = {
    Contract.Kind.COMPUTE: gettext_noop(
        "The other party declined to end contract %(number)s from %(from)s on. The contract goes on."
    ),
    Contract.Kind.LICENCE: gettext_noop(
        "The other party declined to end licence contract %(number)s. The contract goes on."
    ),
}
TERMINATED = gettext_noop("%(number)s: the contract ends")
TERMINATED_TEXT = {
    Contract.Kind.COMPUTE: gettext_noop(
        "Contract %(number)s ends from %(from)s on: %(ground)s.\n\n%(reasons)s\n\n"
        "Of %(undelivered)s that will not be delivered, %(returned)s went back to the buyer and"
        " %(break_fee)s to the provider. Hours that are over are settled by their meters; hours in dispute"
        " follow the decision."
    ),
    Contract.Kind.LICENCE: gettext_noop(
        "Contract %(number)s ends, and its licence is revoked: %(ground)s.\n\n%(reasons)s\n\n"
        "Of %(undelivered)s in escrow, %(returned)s went back to the buyer and %(break_fee)s to the provider."
        " What is in dispute follows the decision."
    ),
}


@transaction.atomic
def propose_termination(
    *,
    actor: Actor,
    contract_id: int,
    ground: Ground,
    from_slot: datetime.datetime | None = None,
    reason: str,
    now: datetime.datetime,
) -> TerminationProposal:
    """Ask the other party to end the contract, by agreement or for force majeure. Raises TerminationRefused.

    It waits for an answer until `from_slot` begins; a proposal that came too late makes room for another. A
    licence ends as a whole, without a slot, and the answer has time as long as the acceptance period runs.
    """
    contract, party = _own_contract(actor, contract_id)
    if ground == Ground.BREACH:
        raise TerminationRefused(_("The exchange decides on a breach: write to it, or open a dispute."))
    from_slot = _end_of(contract, from_slot, now)
    waiting = contract.termination_proposals.filter(status=Status.OPEN).first()
    if waiting is not None and now < (contract.acceptance_ends_at or waiting.from_slot):
        raise TerminationRefused(_("A proposal waits for its answer: answer or withdraw it first."))
    if waiting is not None:
        _answer(waiting, Status.WITHDRAWN, None, now)
    proposal = TerminationProposal.objects.create(
        contract=contract,
        proposed_by=party,
        ground=ground,
        from_slot=from_slot,
        reason=_written(reason),
        proposed_at=now,
    )
    record(actor=actor, verb="propose", subject=proposal, detail={"contract": contract.number}, now=now)
    other = contract.provider_id if party.pk == contract.buyer_id else contract.buyer_id
    _write(other, PROPOSED, PROPOSED_TEXT, proposal, now)
    return proposal


@transaction.atomic
def answer_proposal(
    *, actor: Actor, proposal_id: int, accept: bool, now: datetime.datetime
) -> TerminationProposal:
    """Accept or decline what the other party proposed, or withdraw (`accept` false) one's own proposal."""
    require(actor, Permission.TERMINATE)
    contract_id = TerminationProposal.objects.values_list("contract", flat=True).get(pk=proposal_id)
    contract, party = _own_contract(actor, contract_id)
    proposal = TerminationProposal.objects.select_for_update(of=("self",)).get(pk=proposal_id)
    proposal.contract = contract
    if proposal.status != Status.OPEN:
        raise TerminationRefused(_("This proposal was answered or withdrawn already."))
    own = proposal.proposed_by_id == party.pk
    if own and accept:
        raise TerminationRefused(_("The other party accepts what you proposed."))
    if not accept:
        _answer(proposal, Status.WITHDRAWN if own else Status.DECLINED, actor.user, now)
        record(
            actor=actor,
            verb=str(proposal.status),
            subject=proposal,
            detail={"contract": contract.number},
            now=now,
        )
        if not own:
            _write(proposal.proposed_by_id, ANSWERED, ANSWERED_TEXT, proposal, now)
        return proposal
    _end_of(contract, proposal.from_slot, now)
    _answer(proposal, Status.ACCEPTED, actor.user, now)
    termination = Termination(
        contract=contract,
        ground=proposal.ground,
        proposal=proposal,
        decided_by=actor.user,
        from_slot=proposal.from_slot,
        reason=proposal.reason,
        terminated_at=now,
    )
    _terminate(actor, contract, termination, now)
    return proposal


@transaction.atomic
def terminate(
    *,
    actor: Actor,
    contract_id: int,
    ground: Ground,
    from_slot: datetime.datetime | None = None,
    reason: str,
    now: datetime.datetime,
    breaching_id: int | None = None,
) -> Termination:
    """The operator ends a contract for breach of the party named, or for force majeure, in writing.

    A licence ends as a whole, without a slot.
    """
    operator = require_operator(actor)
    contract = _locked(Contract.objects.filter(pk=contract_id))
    if contract is None:
        raise TerminationRefused(_("There is no such contract."))
    if ground == Ground.AGREEMENT:
        raise TerminationRefused(_("The parties agree between themselves; the exchange does not for them."))
    if (ground == Ground.BREACH) != (breaching_id in (contract.buyer_id, contract.provider_id)):
        raise TerminationRefused(_("Name the party in breach where there is a breach, and only there."))
    from_slot = _end_of(contract, from_slot, now)
    for waiting in contract.termination_proposals.filter(status=Status.OPEN):
        _answer(waiting, Status.WITHDRAWN, operator, now)
    termination = Termination(
        contract=contract,
        ground=ground,
        breaching_id=breaching_id,
        decided_by=operator,
        from_slot=from_slot,
        reason=_written(reason),
        break_fee_basis_points=break_fee_basis_points(contract, ground=ground, breaching_id=breaching_id),
        terminated_at=now,
    )
    _terminate(actor, contract, termination, now)
    return termination


def terminated_splits(
    contract: Contract,
    termination: Termination,
    *,
    refunds: Mapping[datetime.datetime | None, int] | None = None,
) -> list[Split]:
    """How what will not be delivered is shared: slots from the end on, unsettled and undisputed; of a
    licence, what is not in dispute.
    """
    if contract.kind == Contract.Kind.LICENCE:
        rest = rest_of_licence(contract, disputed_fen([contract.pk]).get(contract.pk, 0), Basis.TERMINATED)
        return terminated(contract, termination, {each.slot: each.amount for each in rest})
    skipped = set(contract.deliveries.values_list("slot", flat=True))
    skipped |= {slot for _, slot in frozen_slots([contract.pk])}
    slots = [slot for slot in slots_of(contract) if slot >= termination.from_slot and slot not in skipped]
    amounts: dict[datetime.datetime | None, int] = {slot: amount_of(contract, slot) for slot in slots}
    return terminated(contract, termination, amounts, refunds=refunds)


def terminated(
    contract: Contract,
    termination: Termination,
    amounts: Mapping[datetime.datetime | None, int],
    *,
    refunds: Mapping[datetime.datetime | None, int] | None = None,
) -> list[Split]:
    """Each slot's amount by the ground's money rule, once what a decision refunds of it is taken off."""
    refunded = refunds or {}
    kept = [amount - refunded.get(slot, 0) for slot, amount in amounts.items()]
    fees = break_fees(kept, termination.break_fee_basis_points)
    return [
        Split(contract, slot, amount, amount - fee, Basis.TERMINATED)
        for (slot, amount), fee in zip(amounts.items(), fees, strict=True)
    ]


def _terminate(actor: Actor, contract: Contract, termination: Termination, now: datetime.datetime) -> None:
    undelivered = terminated_splits(contract, termination)
    termination.undelivered = sum(each.amount for each in undelivered)
    termination.break_fee = sum(each.amount - each.credit for each in undelivered)
    termination.save(force_insert=True)
    settle(splits=[*closed_splits([contract], now), *undelivered], now=now)
    for party in (contract.buyer_id, contract.provider_id):
        record(
            actor=actor,
            verb="terminate",
            subject=contract,
            detail={"ground": termination.ground, "fen": termination.undelivered},
            organisation=Organisation.objects.get(pk=party),
            now=now,
        )
        _write(party, TERMINATED, TERMINATED_TEXT, termination, now)


def _own_contract(actor: Actor, contract_id: int) -> tuple[Contract, Organisation]:
    party = require(actor, Permission.TERMINATE)
    contract = _locked(Contract.objects.of(party).filter(pk=contract_id))
    if contract is None:
        raise NotAllowed(_("Only the parties of a contract end it."))
    return contract, party


def _locked(contracts: QuerySet[Contract]) -> Contract | None:
    return contracts.select_for_update(no_key=True).first()


def _end_of(
    contract: Contract, from_slot: datetime.datetime | None, now: datetime.datetime
) -> datetime.datetime:
    """The slot from which on the contract is undone. Raises TerminationRefused."""
    if contract.ended_at is not None or Termination.objects.filter(contract=contract).exists():
        raise TerminationRefused(_("This contract has ended, or its end is settled, already."))
    if contract.kind == Contract.Kind.LICENCE:
        if not contract.in_acceptance(now=now):
            raise TerminationRefused(
                _("The time to accept this licence is over, and with it the time to end its contract.")
            )
        return contract.starts_at
    if from_slot is None or from_slot not in slots_of(contract):
        raise TerminationRefused(_("Choose one of the contract's hours."))
    if from_slot < now:
        raise TerminationRefused(_("This hour has begun: choose one that has not."))
    return from_slot


def _written(reason: str) -> str:
    if not reason.strip() or len(reason) > LONGEST:
        raise InvalidInput(_("Write between one and ten thousand characters."))
    return reason.strip()


def _answer(proposal: TerminationProposal, status: Status, user: User | None, now: datetime.datetime) -> None:
    proposal.status, proposal.answered_by, proposal.answered_at = status, user, now
    proposal.save(update_fields=["status", "answered_by", "answered_at"])


def _write(
    organisation_id: int,
    subject: str,
    texts: Mapping[Contract.Kind, str],
    about: TerminationProposal | Termination,
    now: datetime.datetime,
) -> None:
    kind = Contract.Kind(about.contract.kind)
    values: dict[str, object] = {
        "number": about.contract.number,
        "from": f"{about.from_slot:%Y-%m-%d %H:%M} UTC",
        "reasons": about.reason,
        "ground": Ground(about.ground).label,
    }
    if kind == Contract.Kind.LICENCE:
        values["until"] = f"{about.contract.acceptance_ends_at:%Y-%m-%d %H:%M} UTC"
    if isinstance(about, Termination):
        values |= {name: show_yuan(getattr(about, name)) for name in ("undelivered", "returned", "break_fee")}
    write_to(
        organisation_id=organisation_id,
        roles=CONCERNED,
        subject=subject,
        text=texts[kind],
        values=values,
        now=now,
    )
