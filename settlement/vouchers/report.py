"""What a programme paid for, from its applications to its last fen; and that it agrees with the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from accounts.names import local_name
from settlement.ledger.models import Entry, Hold, TransferKind
from settlement.vouchers.models import Application, Programme
from settlement.vouchers.queries import NOTHING, Figures, figures_of, uses_of


@dataclass
class Line:
    """A row of a report's table: whose or what, and its money."""

    name: str
    figures: Figures = NOTHING
    uses: int = 0


@dataclass(frozen=True)
class Report:
    """A programme from its application to its last fen. All amounts in fen.

    `balance` is the ledger's; `difference` is what its uses leave unexplained, and must be zero.
    """

    programme: Programme
    applications: Mapping[str, int]
    approved: int
    vouchers: int
    figures: Figures
    funded: int
    paid_back: int
    balance: int
    domestic_redeemed: int
    compute_redeemed: int
    by_firm: list[Line] = field(default_factory=list)
    by_accelerator: list[Line] = field(default_factory=list)
    by_facility: list[Line] = field(default_factory=list)

    @property
    def difference(self) -> int:
        return self.funded - self.paid_back - self.figures.used - self.balance

    @property
    def domestic_share(self) -> Decimal | None:
        """Of what was redeemed for compute, the part that ran on domestic accelerators."""
        if not self.compute_redeemed:
            return None
        return Decimal(self.domestic_redeemed) / self.compute_redeemed


def report_of(programme: Programme) -> Report:
    uses = [(use, figures_of(use)) for use in uses_of(programme.vouchers.all())]
    firms, accelerators, facilities = _Table(), _Table(), _Table()
    total, domestic, compute = NOTHING, 0, 0
    for use, figures in uses:
        total += figures
        firm = use.voucher.organisation
        firms.add(firm.pk, local_name(firm), figures)
        contract = use.hold.contract if use.hold.status == Hold.Status.POSTED else None
        if contract is None:
            continue
        if contract.pool is None:
            accelerators.add(None, _("Licences"), figures)
            facilities.add(None, _("Licences"), figures)
            continue
        compute += figures.redeemed
        domestic += figures.redeemed if contract.pool.accelerator.domestic else 0
        accelerators.add(contract.pool.accelerator_id, str(contract.pool.accelerator), figures)
        facilities.add(contract.pool.facility_id, local_name(contract.pool.facility), figures)
    decided = programme.applications.order_by().values("status").annotate(count=Count("pk"))
    counts = dict.fromkeys(Application.Status.values, 0) | {row["status"]: row["count"] for row in decided}
    granted = programme.vouchers.aggregate(sum=Sum("amount"), count=Count("pk"))
    return Report(
        programme=programme,
        applications=counts,
        approved=granted["sum"] or 0,
        vouchers=granted["count"],
        figures=total,
        funded=_moved(programme, TransferKind.PROGRAMME_FUNDED),
        paid_back=-_moved(programme, TransferKind.PROGRAMME_CLOSED),
        balance=programme.account.balance if programme.account else 0,
        domestic_redeemed=domestic,
        compute_redeemed=compute,
        by_firm=firms.lines(),
        by_accelerator=accelerators.lines(),
        by_facility=facilities.lines(),
    )


class _Table:
    def __init__(self) -> None:
        self._lines: dict[int | None, Line] = {}

    def add(self, key: int | None, name: str, figures: Figures) -> None:
        line = self._lines.setdefault(key, Line(name))
        line.figures += figures
        line.uses += 1

    def lines(self) -> list[Line]:
        return sorted(self._lines.values(), key=lambda line: (-line.figures.redeemed, line.name))


def _moved(programme: Programme, kind: TransferKind) -> int:
    """What transfers of this kind brought to the programme's account."""
    entries = Entry.objects.filter(account=programme.account_id, transfer__kind=kind)
    return entries.aggregate(sum=Sum("amount"))["sum"] or 0
