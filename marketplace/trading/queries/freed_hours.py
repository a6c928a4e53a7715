"""What a terminated contract freed, and what of it its provider may offer again."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from listings.models import Capacity
from listings.operations import HourSale
from listings.slots import shown
from marketplace.trading.horizon import first_slot, next_gate
from marketplace.trading.models import Allocation, FreedHours
from settlement.contracts.models import Contract, Ground, Termination
from settlement.delivery.queries import failures


@dataclass(frozen=True)
class Freed:
    """From `first_slot` on `sales` can be undone, unless `refusal` says why not."""

    contract: Contract
    termination: Termination | None
    offered: FreedHours | None
    first_slot: datetime
    sales: list[HourSale]
    refusal: str

    @property
    def unit_hours(self) -> int:
        return sum(sale.unit_hours for sale in self.sales)


def freed_by(contract: Contract, *, now: datetime) -> Freed:
    """What the end of a contract freed: the hours not delivered that the next round can still sell."""
    termination = Termination.objects.filter(contract=contract).first()
    offered = FreedHours.objects.filter(termination=termination).first() if termination else None
    soonest = first_slot(next_gate(now))
    first = max(soonest, termination.from_slot) if termination else soonest
    sales = _sales(contract, first) if termination else []
    refusal = _refusal(contract, termination, offered) or ("" if sales else _none_left(contract, first))
    return Freed(contract, termination, offered, first, [] if refusal else sales, refusal)


def _sales(contract: Contract, first: datetime) -> list[HourSale]:
    """The contract's allocations from a slot on; a withdrawn capacity takes nothing back."""
    shares = Allocation.objects.filter(trade__contract=contract, ends_at__gt=first)
    staying = shares.exclude(capacity__status=Capacity.Status.WITHDRAWN).order_by("pk")
    return [
        HourSale(share.capacity_id, max(first, share.starts_at), share.ends_at, share.units)
        for share in staying
    ]


def _refusal(contract: Contract, termination: Termination | None, offered: FreedHours | None) -> str:
    if termination is None:
        return _("This contract was not terminated: its hours are not free.")
    if termination.ground != Ground.AGREEMENT and termination.breaching_id != contract.buyer_id:
        return _(
            "After force majeure or the provider's breach nobody can say that these hours can be delivered."
        )
    if failures([contract.pk]):
        return _("The delivery failed: nobody can say that these hours can be delivered.")
    if offered is not None:
        return _("The freed hours were offered again already.")
    return ""


def _none_left(contract: Contract, first: datetime) -> str:
    if Allocation.objects.filter(trade__contract=contract, ends_at__gt=first).exists():
        return _("The capacity that these hours came from was withdrawn, so it takes none back.")
    return _("No freed hour is left that can be bought: the next round sells from %(slot)s on.") % {
        "slot": shown(first)
    }
