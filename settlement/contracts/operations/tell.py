from datetime import datetime

from accounts.models import EventKind
from accounts.operations import tell_programs
from settlement.contracts.models import Contract


def tell_parties(*, contract: Contract, kind: EventKind, data: dict[str, object], now: datetime) -> None:
    """Tell both parties' programs what happened on their contract."""
    data = {"contract": contract.number, **data}
    tell_programs(
        kind=kind, told=[(party, data) for party in (contract.buyer_id, contract.provider_id)], now=now
    )
