"""Issue invoices and credit notes for what the ledger paid: each charge once, whoever asks and how often."""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from accounts.models import Organisation
from settlement.contracts.models import RUNNING, Contract
from settlement.invoices import vat
from settlement.invoices.letters import announce
from settlement.invoices.models import Charge, Invoice, InvoiceItem, InvoiceLine, InvoiceProfile
from settlement.invoices.operations.collect import anything_unsealed, collect_charges, unsealed_contracts
from settlement.invoices.operations.write import Draft, DraftLine, write_invoice
from settlement.invoices.period import local_day, month_after, month_of, start_of

INVOICE_LOCK = 0x5350_0007
Kind = Invoice.Kind
Cycle = InvoiceProfile.Cycle


@dataclass(frozen=True)
class Scope:
    """What an invoice is to cover: one customer of one seller, and one month or one contract."""

    kind: Kind
    seller_id: int | None
    customer_id: int
    month: datetime.date | None = None
    contract_id: int | None = None

    def charges(self) -> QuerySet[Charge]:
        pending = pending_charges(self.kind)
        if self.kind == Kind.SUPPLY:
            pending = pending.filter(buyer=self.customer_id, provider=self.seller_id)
        else:
            pending = pending.filter(provider=self.customer_id)
        if self.contract_id is not None:
            return pending.filter(contract=self.contract_id)
        assert self.month is not None
        since, until = start_of(self.month), start_of(month_after(self.month))
        return pending.filter(posted_at__gte=since, posted_at__lt=until)


def pending_charges(kind: Kind) -> QuerySet[Charge]:
    """Charges of which no document speaks yet."""
    items = InvoiceItem.objects.filter(charge=OuterRef("pk"), kind=kind)
    return Charge.objects.exclude(**{amount_field(kind): 0}).exclude(Exists(items))


def amount_field(kind: Kind) -> str:
    return "supply" if kind == Kind.SUPPLY else "fee"


def customer_field(kind: Kind) -> str:
    return "buyer" if kind == Kind.SUPPLY else "provider"


def issue_contract_invoices(*, now: datetime.datetime) -> list[Invoice]:
    """Invoice every ended contract of the customers that chose so, each in a transaction of its own."""
    ended = _ended_contracts()  # Read first: whatever moved on them can be collected by then.
    collect_charges()
    waits = unsealed_contracts()
    scopes = []
    for kind in Kind:
        rows = pending_charges(kind).filter(**_cycle(kind, Cycle.CONTRACT))
        pending = rows.order_by("contract").values_list("contract", "buyer", "provider").distinct()
        scopes += [
            Scope(kind, *_parties(kind, buyer, provider), contract_id=contract)
            for contract, buyer, provider in pending
            if contract in ended and contract not in waits
        ]
    return _issue_all(scopes, now)


def _ended_contracts() -> set[int]:
    """Those of which a party chose invoices by contract."""
    chose = Q()
    for kind in Kind:
        chose |= Q(**_cycle(kind, Cycle.CONTRACT))
    return set(Contract.objects.exclude(status__in=RUNNING).filter(chose).values_list("pk", flat=True))


def issue_monthly_invoices(*, now: datetime.datetime) -> list[Invoice]:
    """Invoice every month that is over, oldest first, for all who did not choose by contract."""
    collect_charges()
    this_month = start_of(month_of(now))
    if anything_unsealed(before=this_month):
        return []  # Somebody else seals just now: the next beat finds the month whole.
    scopes: set[Scope] = set()
    for kind in Kind:
        rows = pending_charges(kind).filter(posted_at__lt=this_month)
        rows = rows.exclude(**_cycle(kind, Cycle.CONTRACT))
        for buyer, provider, posted_at in rows.values_list("buyer", "provider", "posted_at").iterator():
            scopes.add(Scope(kind, *_parties(kind, buyer, provider), month=month_of(posted_at)))
    return _issue_all(sorted(scopes, key=_in_order), now)


def _cycle(kind: Kind, cycle: Cycle) -> dict[str, str]:
    return {f"{customer_field(kind)}__invoice_profile__cycle": cycle.value}


def _parties(kind: Kind, buyer: int, provider: int) -> tuple[int | None, int]:
    return (provider, buyer) if kind == Kind.SUPPLY else (None, provider)


def _in_order(scope: Scope) -> tuple[datetime.date, str, int, int]:
    assert scope.month is not None
    return scope.month, scope.kind, scope.customer_id, scope.seller_id or 0


def _issue_all(scopes: Iterable[Scope], now: datetime.datetime) -> list[Invoice]:
    return [invoice for scope in scopes for invoice in issue(scope=scope, now=now)]


@transaction.atomic
def issue(*, scope: Scope, now: datetime.datetime) -> list[Invoice]:
    """What is pending in a scope, as an invoice and the credit notes that go with it; perhaps nothing.

    What was given back is taken off earlier invoices of the same contract, the latest first; only what those
    cannot bear is taken off this one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [INVOICE_LOCK, scope.customer_id])
    seller = Organisation.objects.get(pk=scope.seller_id) if scope.seller_id else None
    issued: list[Invoice] = []
    # What would empty a line of the first pass becomes a credit note on it in the next.
    while charges := list(scope.charges().select_related("contract").order_by("position")):
        drafts = _Batch(scope.kind, charges, seller).drafts(scope, seller)
        written = [write_invoice(draft=draft, now=now) for draft in drafts]
        if not written:
            break
        issued += written
    for invoice in issued:
        announce(invoice=invoice, now=now)
    return issued


Key = tuple[int, int]  # A contract and a rate in basis points.


@dataclass
class _Earlier:
    """A line of an earlier invoice, what credit notes took back of it before, and what this batch takes."""

    line: InvoiceLine
    credited: vat.Taxed
    taken: int = 0
    items: list[InvoiceItem] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.line.gross - self.credited.gross - self.taken

    def draft(self) -> DraftLine:
        whole = vat.Taxed(self.line.gross, self.line.net)
        amount = vat.credit(whole, self.credited, self.taken, self.line.vat_basis_points)
        return DraftLine(self.line.contract, self.line.vat_basis_points, amount, self.items, self.line)


class _Batch:
    """Pending charges, sorted into the lines of a new invoice and of credit notes on earlier ones."""

    def __init__(self, kind: Kind, charges: Sequence[Charge], seller: Organisation | None) -> None:
        self.kind = kind
        jurisdiction = seller.jurisdiction if seller else settings.INVOICE_ISSUER["jurisdiction"]
        self.new: dict[Key, list[InvoiceItem]] = defaultdict(list)
        self.earlier = _earlier_lines(kind, {each.contract_id for each in charges})
        self.contracts = {each.contract_id: each.contract for each in charges}
        given_back = []
        for charge in charges:
            amount = getattr(charge, amount_field(kind))
            if amount < 0:
                given_back.append((charge, -amount))
                continue
            rate = vat.rate_on(jurisdiction, local_day(charge.posted_at))
            self.new[charge.contract_id, rate].append(self._item(charge, 0, amount))
        for charge, amount in given_back:
            self._take_back(charge, amount)

    def drafts(self, scope: Scope, seller: Organisation | None) -> Iterator[Draft]:
        customer = Organisation.objects.get(pk=scope.customer_id)
        if self.new:
            lines = [
                DraftLine(
                    self.contracts[contract], rate, vat.split(self._gross((contract, rate)), rate), items
                )
                for (contract, rate), items in sorted(self.new.items())
            ]
            contract = self.contracts[scope.contract_id] if scope.contract_id else None
            period = _period(scope, [item.charge for items in self.new.values() for item in items])
            yield Draft(self.kind, seller, customer, contract, period, lines)
        credited: dict[int, list[_Earlier]] = defaultdict(list)
        for row in sorted(
            (each for rows in self.earlier.values() for each in rows), key=lambda each: each.line.pk
        ):
            if row.taken:
                credited[row.line.invoice_id].append(row)
        for rows in credited.values():
            invoice = rows[0].line.invoice
            drafts = [row.draft() for row in rows]
            period = (invoice.period_start, invoice.period_end)
            yield Draft(self.kind, seller, customer, invoice.contract, period, drafts, invoice)

    def _take_back(self, charge: Charge, amount: int) -> None:
        """Whole or not at all: the parts of a charge are written together."""
        earlier = self.earlier[charge.contract_id]
        new = [key for key in sorted(self.new, reverse=True) if key[0] == charge.contract_id]
        room = sum(each.left for each in earlier) + sum(self._most(key) for key in new)
        if amount > room:
            return
        part = 0
        for each in earlier:
            if taken := min(amount, each.left):
                each.items.append(self._item(charge, part, -taken))
                each.taken += taken
                amount, part = amount - taken, part + 1
        for key in new:
            if taken := min(amount, self._most(key)):
                self.new[key].append(self._item(charge, part, -taken))
                amount, part = amount - taken, part + 1

    def _gross(self, key: Key) -> int:
        return sum(item.amount for item in self.new[key])

    def _most(self, key: Key) -> int:
        """What can be taken off a new line: a fen stays, for a line is never empty."""
        return self._gross(key) - 1

    def _item(self, charge: Charge, part: int, amount: int) -> InvoiceItem:
        return InvoiceItem(kind=self.kind, charge=charge, part=part, amount=amount)


def _earlier_lines(kind: Kind, contracts: set[int]) -> dict[int, list[_Earlier]]:
    """The invoiced lines of each contract, the latest first, with what is credited of them."""
    lines = InvoiceLine.objects.filter(contract__in=contracts, invoice__kind=kind, corrects=None)
    sums = lines.annotate(
        credited=Sum("credits__gross", default=0), credited_net=Sum("credits__net", default=0)
    )
    earlier: dict[int, list[_Earlier]] = defaultdict(list)
    for line in sums.select_related("invoice__contract", "contract").order_by("-pk"):
        earlier[line.contract_id].append(_Earlier(line, vat.Taxed(line.credited, line.credited_net)))
    return earlier


def _period(scope: Scope, charges: Sequence[Charge]) -> tuple[datetime.datetime, datetime.datetime]:
    """The month, or of a contract the time over which it was paid."""
    if scope.month is not None:
        return start_of(scope.month), start_of(month_after(scope.month))
    return min(each.starts_at for each in charges), max(each.ends_at for each in charges)
