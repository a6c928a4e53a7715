"""The demo's providers' agent: it brings contracts up and meters every hour that is over."""

import random
from datetime import datetime

from accounts.models import Organisation
from marketplace.demo.market import actor_for
from settlement.contracts.models import Contract
from settlement.delivery.models import StateReport
from settlement.delivery.operations import Reading, report_access, report_state, report_usage
from settlement.delivery.queries import HOUR, delivered_in, slots_of, state_of
from settlement.delivery.service_level import contracted_seconds

SOURCE = "demo agent"
State = StateReport.State
# How often an hour is delivered in which part; the rest is delivered in full.
SHORTFALLS = ((0.03, 0.993), (0.01, 0.97), (0.005, 0.6))


def report_closed_hours(*, now: datetime) -> int:
    """Report all that the running compute contracts have to report by now; the number of new readings."""
    running = Contract.objects.running().filter(kind=Contract.Kind.COMPUTE, starts_at__lte=now)
    providers = Organisation.objects.filter(pk__in=running.values("provider"))
    return sum(_report_for(provider, now) for provider in providers.order_by("pk"))


def _report_for(provider: Organisation, now: datetime) -> int:
    actor = actor_for(provider)
    contracts = list(
        Contract.objects.running()
        .filter(kind=Contract.Kind.COMPUTE, provider=provider, starts_at__lte=now)
        .defer("document")
        .order_by("pk")
    )
    metered = delivered_in(contract.pk for contract in contracts)
    readings = []
    for contract in contracts:
        if state_of(contract) == State.SCHEDULED:
            address = f"ssh demo@{contract.number.lower()}.gpu.example"
            report_access(actor=actor, contract_id=contract.pk, text=address, now=now)
            report_state(actor=actor, contract_id=contract.pk, state=State.ACTIVE, now=now, source=SOURCE)
        readings += [
            Reading(contract.pk, slot, _delivered(contract, slot), SOURCE)
            for slot in slots_of(contract)
            if slot + HOUR <= now and (contract.pk, slot) not in metered
        ]
        assert contract.ends_at is not None
        if contract.ends_at <= now:
            report_state(actor=actor, contract_id=contract.pk, state=State.ENDED, now=now, source=SOURCE)
    return report_usage(actor=actor, readings=readings, now=now) if readings else 0


def _delivered(contract: Contract, slot: datetime) -> int:
    """The same figure whenever it is asked for: some hours fall short, most do not."""
    drawn = random.Random(f"{contract.number} {slot:%Y-%m-%dT%H}").random()
    for likelihood, part in SHORTFALLS:
        if drawn < likelihood:
            return int(contracted_seconds(contract) * part)
        drawn -= likelihood
    return contracted_seconds(contract)
