import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import TruncMonth
from django.db.models.lookups import Exact

from accounts.models import Organisation
from settlement.canonical import sha256_of_text
from settlement.contracts.models import Contract
from settlement.contracts.signing import Signature, verify
from settlement.invoices import vat
from settlement.invoices.document import signed_payload
from settlement.invoices.models import Charge, FapiaoRequest, Invoice, InvoiceLine
from settlement.invoices.period import month_after, start_of


def invoices_of(organisation: Organisation) -> QuerySet[Invoice]:
    """What an organisation may see: the invoices that it sells or receives, newest first."""
    return with_parties(Invoice.objects.of(organisation))


def invoices_with(contract: Contract, organisation: Organisation) -> QuerySet[Invoice]:
    """The invoices of the organisation that have a line of the contract, newest first."""
    numbers = contract.invoice_lines.values("invoice")
    return Invoice.objects.of(organisation).filter(pk__in=numbers).defer("document")


def with_parties(invoices: QuerySet[Invoice]) -> QuerySet[Invoice]:
    related = ("seller", "customer", "contract", "corrects", "fapiao")
    return invoices.select_related(*related).defer("document", "contract__document")


def lines_of(invoice: Invoice) -> QuerySet[InvoiceLine]:
    products = ("contract__pool__facility", "contract__pool__accelerator", "contract__plan__algorithm")
    return (
        invoice.lines.select_related(*products, "corrects").defer("contract__document").order_by("position")
    )


def fapiao_of(invoice: Invoice) -> FapiaoRequest | None:
    return FapiaoRequest.objects.filter(invoice=invoice).first()


def waiting_fapiao() -> QuerySet[FapiaoRequest]:
    """Requests without a number yet, the oldest first."""
    return (
        FapiaoRequest.objects.waiting().select_related("invoice__seller", "invoice__customer").order_by("pk")
    )


@dataclass(frozen=True)
class Proof:
    """Whether an invoice's stored document is the one that was hashed and signed."""

    hash_holds: bool
    signature_holds: bool

    @property
    def holds(self) -> bool:
        return self.hash_holds and self.signature_holds


def proof_of(invoice: Invoice) -> Proof:
    return Proof(
        hash_holds=sha256_of_text(invoice.document) == invoice.sha256,
        signature_holds=verify(
            signed_payload(invoice.sha256), Signature(invoice.signed_with_id, invoice.signature)
        ),
    )


@dataclass(frozen=True)
class StatementLine:
    """One contract in one month at one rate; amounts in fen. `fee` and `payable` are the provider's alone."""

    month: datetime.date
    contract: Contract
    supply: vat.Taxed
    fee: vat.Taxed

    @property
    def payable(self) -> int:
        """What the provider keeps: gross less the platform's fee."""
        return self.supply.gross - self.fee.gross


@dataclass(frozen=True)
class Total:
    """The sums of some lines, in fen."""

    gross: int = 0
    tax: int = 0
    fee: int = 0
    fee_tax: int = 0

    @property
    def net(self) -> int:
        return self.gross - self.tax

    @property
    def payable(self) -> int:
        return self.gross - self.fee


@dataclass(frozen=True)
class Month:
    month: datetime.date
    lines: list[StatementLine]

    @property
    def total(self) -> Total:
        return Total(
            gross=sum(line.supply.gross for line in self.lines),
            tax=sum(line.supply.tax for line in self.lines),
            fee=sum(line.fee.gross for line in self.lines),
            fee_tax=sum(line.fee.tax for line in self.lines),
        )


def months_of(organisation: Organisation, side: str) -> list[datetime.date]:
    """The months in which something was charged to the `buyer` or the `provider`, newest first."""
    months = _by_month(Charge.objects.filter(**{side: organisation})).values_list("month", flat=True)
    return [each.date() for each in months.distinct().order_by("-month")]


def statement(organisation: Organisation, side: str, month: datetime.date) -> Month:
    """What was paid on each contract in a month, as `buyer` or as `provider`, from the ledger's charges."""
    until = start_of(month_after(month))
    charges = Charge.objects.filter(
        **{side: organisation}, posted_at__gte=start_of(month), posted_at__lt=until
    )
    rows = (
        charges.order_by("contract")
        .values("contract", rate=_rate(F("provider__jurisdiction")), fee_rate=_rate(_platform()))
        .annotate(gross=Sum("supply"), fees=Sum("fee"))
    )
    products = ("buyer", "provider", "pool__facility", "pool__accelerator", "plan__algorithm")
    contracts = Contract.objects.select_related(*products).defer("document")
    found = contracts.in_bulk([row["contract"] for row in rows])
    return Month(month, [_line(row, found[row["contract"]], month) for row in rows])


def _line(row: Mapping[str, Any], contract: Contract, month: datetime.date) -> StatementLine:
    supply, fee = vat.split(row["gross"], row["rate"]), vat.split(row["fees"], row["fee_rate"])
    return StatementLine(month, contract, supply, fee)


def _platform() -> Value:
    return Value(settings.INVOICE_ISSUER["jurisdiction"])


def _rate(jurisdiction: Combinable) -> Case:
    """`vat.rate_on` the day of each charge, in the database's words."""
    newest_first = sorted(vat.RATES, key=lambda each: each.since, reverse=True)
    cases = [
        When(
            Exact(jurisdiction, Value(each.jurisdiction.value)) & Q(posted_at__gte=start_of(each.since)),
            then=Value(each.basis_points),
        )
        for each in newest_first
    ]
    return Case(*cases, output_field=IntegerField())


def _by_month(charges: QuerySet[Charge]) -> QuerySet[Any, Any]:
    return charges.annotate(month=TruncMonth("posted_at", tzinfo=ZoneInfo(settings.EXCHANGE_ZONE)))


def costs_of(
    organisation: Organisation, *, since: datetime.datetime, until: datetime.datetime
) -> QuerySet[Charge]:
    """What the organisation paid as a buyer from `since` on, before `until`, in the ledger's order."""
    charges = Charge.objects.filter(buyer=organisation, posted_at__gte=since, posted_at__lt=until)
    related = (
        "contract__pool__facility",
        "contract__pool__accelerator",
        "contract__plan__algorithm",
        "buyer",
        "provider",
    )
    return charges.select_related(*related).defer("contract__document").order_by("position")


@dataclass(frozen=True)
class CostsTotal:
    charges: int
    fen: int


def costs_total(
    organisation: Organisation, *, since: datetime.datetime, until: datetime.datetime
) -> CostsTotal:
    """How many charges a period has, and their sum."""
    sums = costs_of(organisation, since=since, until=until).aggregate(
        charges=Count("pk"), fen=Sum("supply", default=0)
    )
    return CostsTotal(**sums)
