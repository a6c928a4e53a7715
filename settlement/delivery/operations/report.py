"""The provider's reports, whether from a form, an agent or a connector: state, access details, meters."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import NotAllowed
from accounts.models import EventKind, Member, Role
from accounts.permissions import Permission, require
from settlement.contracts.models import Contract
from settlement.contracts.operations import tell_parties
from settlement.delivery.errors import BadReading, NotThatState, RevisionUsed
from settlement.delivery.models import AccessDetails, Delivery, StateReport, UsageRecord
from settlement.delivery.operations.correct import Mended, correct
from settlement.delivery.operations.release import service_credit
from settlement.delivery.queries import HOUR, HourKey, delivered_in, state_of, terminated_from
from settlement.delivery.secrets import decrypt, encrypt
from settlement.delivery.service_level import contracted_seconds

State = StateReport.State
NEXT: dict[StateReport.State, frozenset[StateReport.State]] = {
    State.SCHEDULED: frozenset({State.PROVISIONING, State.ACTIVE, State.FAILED}),
    State.PROVISIONING: frozenset({State.ACTIVE, State.FAILED}),
    State.ACTIVE: frozenset({State.ENDED, State.FAILED}),
    State.ENDED: frozenset(),
    State.FAILED: frozenset(),
}
FINAL = frozenset({State.ENDED, State.FAILED})
SEE_ACCESS = frozenset({Role.OWNER, Role.ENGINEER})
PAGE = "page"  # The source of what a person reports on the contract's page.


@dataclass(frozen=True)
class Reading:
    """What one source metered in one closed slot, in whole accelerator-seconds."""

    contract_id: int
    slot: datetime.datetime
    delivered_seconds: int
    source: str
    revision: int = 0


@transaction.atomic
def report_state(
    *,
    actor: Actor,
    contract_id: int,
    state: StateReport.State,
    now: datetime.datetime,
    note: str = "",
    source: str = PAGE,
) -> StateReport:
    """Take a delivery a step on; the same state again is the same report. Raises NotThatState."""
    [contract] = _locked(actor, [contract_id])
    before = state_of(contract)
    if state not in FINAL and (ended := terminated_from(contract)) and ended <= now:
        raise NotThatState(_("The contract was terminated: report that its delivery has ended."))
    if state == before and (last := contract.state_reports.last()):
        return last
    if state not in NEXT[before]:
        raise NotThatState(
            _("A delivery that is %(before)s cannot become %(state)s.")
            % {"before": before.label, "state": state.label}
        )
    report = StateReport.objects.create(
        contract=contract, state=state, note=note, source=source, reported_at=now
    )
    record(actor=actor, verb="report", subject=contract, detail={"state": state.value}, now=now)
    tell_parties(contract=contract, kind=EventKind.DELIVERY_CHANGED, data={"state": state.value}, now=now)
    return report


@transaction.atomic
def report_access(*, actor: Actor, contract_id: int, text: str, now: datetime.datetime) -> AccessDetails:
    """Encrypt how to reach what was bought; the last details count. Raises NotThatState."""
    [contract] = _locked(actor, [contract_id])
    if (ended := terminated_from(contract)) and ended <= now:
        raise NotThatState(_("The contract was terminated: access has ended."))
    details = AccessDetails.objects.create(contract=contract, ciphertext=encrypt(text), reported_at=now)
    record(actor=actor, verb="report", subject=details, now=now)
    return details


@transaction.atomic
def view_access(*, actor: Actor, contract_id: int, now: datetime.datetime) -> str | None:
    """The details in force, for an owner or engineer of the buyer; every look is in both parties' trails."""
    contract = Contract.objects.select_related("provider").get(pk=contract_id)
    members = Member.objects.filter(organisation=contract.buyer_id, user=actor.user, role__in=SEE_ACCESS)
    if actor.user is None or actor.organisation is None or not members.filter(user__is_active=True).exists():
        raise NotAllowed(_("Only the buyer's owners and engineers see access details."))
    if actor.organisation.pk != contract.buyer_id:
        raise NotAllowed(_("Only the buyer's owners and engineers see access details."))
    details = contract.access_details.last()
    if details is None:
        return None
    for organisation in (None, contract.provider):
        record(actor=actor, verb="see", subject=details, now=now, organisation=organisation)
    return decrypt(bytes(details.ciphertext))


@transaction.atomic
def report_usage(*, actor: Actor, readings: Sequence[Reading], now: datetime.datetime) -> int:
    """Store all readings or none; how many were new. A reading may come twice, late and in any order.

    An hour that was already paid by its meter is corrected. Raises BadReading and RevisionUsed.
    """
    contracts = {each.pk: each for each in _locked(actor, [each.contract_id for each in readings])}
    for reading in readings:
        _refuse_unless_fits(reading, contracts[reading.contract_id], now)
    known = _known(contracts)
    new: dict[tuple[int, datetime.datetime, str, int], int] = {}
    for each in readings:
        key = (each.contract_id, each.slot, each.source, each.revision)
        before = known.get(key, new.get(key))
        if before is None:
            new[key] = each.delivered_seconds
        elif before != each.delivered_seconds:
            raise RevisionUsed(
                _("Revision %(revision)s of this hour was reported with another figure: use a higher one.")
                % {"revision": each.revision}
            )
    UsageRecord.objects.bulk_create(
        UsageRecord(
            contract_id=contract,
            slot=slot,
            source=source,
            revision=revision,
            delivered_seconds=seconds,
            reported_at=now,
        )
        for (contract, slot, source, revision), seconds in new.items()
    )
    _correct_paid({(contract, slot) for contract, slot, _, _ in new}, now)
    return len(new)


def _locked(actor: Actor, contract_ids: Sequence[int]) -> list[Contract]:
    """The contracts, locked in order, all of them compute and the actor's own to deliver."""
    provider = require(actor, Permission.REPORT_DELIVERY)
    wanted = set(contract_ids)
    own = Contract.objects.filter(pk__in=wanted, provider=provider, kind=Contract.Kind.COMPUTE)
    contracts = list(own.defer("document").order_by("pk").select_for_update(no_key=True))
    if len(contracts) != len(wanted):
        raise NotAllowed(_("Only the provider of a compute contract reports its delivery."))
    return contracts


def _refuse_unless_fits(reading: Reading, contract: Contract, now: datetime.datetime) -> None:
    assert contract.ends_at is not None
    if (
        not contract.starts_at <= reading.slot < contract.ends_at
        or (reading.slot - contract.starts_at) % HOUR
    ):
        raise BadReading(_("%(number)s has no such slot.") % {"number": contract.number})
    ended = terminated_from(contract)
    if ended is not None and reading.slot >= ended:
        raise BadReading(
            _("%(number)s was terminated from %(from)s on: later hours are not metered.")
            % {"number": contract.number, "from": f"{ended:%Y-%m-%d %H:%M} UTC"}
        )
    if reading.slot + HOUR > now:
        raise BadReading(_("This hour is not over: report it once it is."))
    most = contracted_seconds(contract)
    if not 0 <= reading.delivered_seconds <= most:
        raise BadReading(
            _("An hour of %(number)s has 0 to %(most)s accelerator-seconds.")
            % {"number": contract.number, "most": most}
        )


def _known(contract_ids: "dict[int, Contract]") -> dict[tuple[int, datetime.datetime, str, int], int]:
    rows = UsageRecord.objects.filter(contract__in=contract_ids)
    return {
        (contract, slot, source, revision): seconds
        for contract, slot, source, revision, seconds in rows.values_list(
            "contract_id", "slot", "source", "revision", "delivered_seconds"
        )
    }


def _correct_paid(hours: set[HourKey], now: datetime.datetime) -> None:
    """Hours settled by their meter follow it; a decision, and an hour given back, stay as they are."""
    paid = Delivery.objects.filter(
        contract__in={contract for contract, _ in hours},
        slot__in={slot for _, slot in hours},
        basis=Delivery.Basis.METERED,
    ).exclude(corrections__dispute__isnull=False)
    deliveries = [each for each in paid.select_related("contract") if (each.contract_id, each.slot) in hours]
    if not deliveries:
        return
    delivered = delivered_in({each.contract_id for each in deliveries})
    mended = []
    for each in deliveries:
        assert each.slot is not None
        seconds = delivered[each.contract_id, each.slot]
        mended.append(Mended(each, service_credit(each.contract, each.amount, seconds)))
    correct(mended=mended, now=now)
