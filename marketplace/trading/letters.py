"""What a round tells the parties of its contracts."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_noop

from accounts.models import EventKind, Role
from accounts.operations import tell_programs
from marketplace.trading.models import Round
from settlement.contracts.models import Contract
from settlement.letters import write_to_many
from settlement.money import show_yuan

SUBJECT = gettext_noop("Round %(round)s: %(count)s new contracts")
TEXT = gettext_noop(
    "Round %(round)s made these contracts of your organisation:\n\n%(contracts)s\n\n"
    "Each has its page, with its document to keep: %(url)s"
)
MOST_NAMED = 20
MORE = "…"


def write_of_contracts(settled: Round, contracts: Sequence[Contract], *, now: datetime) -> int:
    """One letter a party, to its owners and traders, whatever the number of its contracts."""
    made: dict[int, list[Contract]] = defaultdict(list)
    for contract in contracts:
        for party in {contract.buyer_id, contract.provider_id}:
            made[party].append(contract)
    url = settings.SITE_URL + reverse("contracts:contracts")
    values_of = {
        party: {"round": settled.pk, "count": len(own), "contracts": _named(own), "url": url}
        for party, own in made.items()
    }
    return write_to_many(
        values_of=values_of, roles=[Role.OWNER, Role.TRADER], subject=SUBJECT, text=TEXT, now=now
    )


def tell_of_contracts(contracts: Sequence[Contract], *, now: datetime) -> int:
    """An event a contract and party, to the programs of those that have an endpoint."""
    told = [
        (party, {"contract": contract.number})
        for contract in contracts
        for party in sorted({contract.buyer_id, contract.provider_id})
    ]
    return tell_programs(kind=EventKind.CONTRACT_OPENED, told=told, now=now)


def _named(contracts: Sequence[Contract]) -> str:
    lines = [f"{contract.number}  {show_yuan(contract.total)}" for contract in contracts[:MOST_NAMED]]
    return "\n".join(lines + [MORE] * (len(contracts) > MOST_NAMED))
