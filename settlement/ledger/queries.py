import datetime
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet, Sum, Window

from accounts.models import Organisation
from settlement.ledger.models import ORGANISATION_KINDS, Account, AccountKind, Currency, Entry, Transfer


@dataclass(frozen=True)
class Balances:
    """An organisation's money, in fen; what it owes stands in `arrears`, below zero."""

    available: int = 0
    held: int = 0
    escrow: int = 0
    receivable: int = 0
    arrears: int = 0

    @property
    def total(self) -> int:
        return self.available + self.held + self.escrow + self.receivable + self.arrears


def balance_of(organisation: Organisation, currency: Currency = Currency.CNY) -> Balances:
    rows = Account.objects.filter(organisation=organisation, currency=currency, kind__in=ORGANISATION_KINDS)
    return Balances(**{AccountKind(kind).value: fen for kind, fen in rows.values_list("kind", "balance")})


def currencies_of(organisation: Organisation) -> list[Currency]:
    """The renminbi, in which all is traded, and each other currency in which its money has ever moved."""
    moved = Account.objects.filter(organisation=organisation, kind__in=ORGANISATION_KINDS, version__gt=0)
    used = {Currency.CNY, *moved.values_list("currency", flat=True)}
    return [currency for currency in Currency if currency in used]


@dataclass(frozen=True)
class Head:
    """The last link of the hash chain: its position, counted from one, and its SHA-256."""

    position: int
    sha256: str


def chain_head() -> Head:
    last = Transfer.objects.filter(position__isnull=False).order_by("-position").first()
    return Head(last.position or 0, last.sha256) if last else Head(0, "")


@dataclass(frozen=True)
class Statement:
    """An account over a period, in fen: `lines` are entries in time's order, with `running` after each."""

    opening: int
    lines: QuerySet[Entry]
    closing: int


def statement(
    *, accounts: QuerySet[Account], since: datetime.datetime | None, until: datetime.datetime | None
) -> Statement:
    """From `since` on, before `until`. Several accounts (a platform account's shards) read as one."""
    entries = Entry.objects.filter(account__in=accounts)
    before = entries.filter(transfer__posted_at__lt=since) if since else entries.none()
    within = entries.filter(
        Q(transfer__posted_at__gte=since) if since else Q(),
        Q(transfer__posted_at__lt=until) if until else Q(),
    )
    opening = _sum(before)
    lines = (
        within.select_related("transfer", "account")
        .annotate(
            running=opening + Window(Sum("amount"), order_by=[F("transfer__posted_at").asc(), F("pk").asc()])
        )
        .order_by("transfer__posted_at", "pk")
    )
    return Statement(opening=opening, lines=lines, closing=opening + _sum(within))


def _sum(entries: QuerySet[Entry]) -> int:
    return entries.aggregate(sum=Sum("amount"))["sum"] or 0
