"""Write an invoice or a credit note: numbered, added up, hashed and signed, with all its lines at once."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import Organisation
from settlement.canonical import canonical_json, sha256_of_text
from settlement.contracts.models import Contract
from settlement.contracts.signing import sign
from settlement.invoices.document import document_of, signed_payload
from settlement.invoices.models import Invoice, InvoiceItem, InvoiceLine
from settlement.invoices.operations.numbers import next_number
from settlement.invoices.period import local_day
from settlement.invoices.vat import Taxed


@dataclass(frozen=True)
class DraftLine:
    """One contract at one rate; `corrects` is the line that a credit note takes `amount` back of."""

    contract: Contract
    vat_basis_points: int
    amount: Taxed
    items: Sequence[InvoiceItem]
    corrects: InvoiceLine | None = None


@dataclass(frozen=True)
class Draft:
    kind: Invoice.Kind
    seller: Organisation | None
    customer: Organisation
    contract: Contract | None
    period: tuple[datetime.datetime, datetime.datetime]
    lines: Sequence[DraftLine]
    corrects: Invoice | None = None

    @property
    def series(self) -> Invoice.Series:
        if self.corrects is not None:
            return Invoice.Series.CREDIT_NOTE
        return Invoice.Series.INVOICE if self.kind == Invoice.Kind.SUPPLY else Invoice.Series.FEE


def write_invoice(*, draft: Draft, now: datetime.datetime) -> Invoice:
    """Part of the caller's transaction: the number is the next of its series and year."""
    year = local_day(now).year
    serial = next_number(series=draft.series, year=year)
    invoice = Invoice(
        series=draft.series,
        year=year,
        serial=serial,
        number=f"{draft.series.value}-{year}-{serial:06}",
        kind=draft.kind,
        corrects=draft.corrects,
        seller=draft.seller,
        customer=draft.customer,
        contract=draft.contract,
        period_start=draft.period[0],
        period_end=draft.period[1],
        gross=sum(line.amount.gross for line in draft.lines),
        net=sum(line.amount.net for line in draft.lines),
        tax=sum(line.amount.tax for line in draft.lines),
        issued_at=now,
    )
    lines = [_line(invoice, place, line) for place, line in enumerate(draft.lines, start=1)]
    contents = [(line, each.items) for line, each in zip(lines, draft.lines, strict=True)]
    invoice.document = canonical_json(document_of(invoice, contents))
    invoice.sha256 = sha256_of_text(invoice.document)
    signature = sign(signed_payload(invoice.sha256))
    invoice.signed_with_id, invoice.signature = signature.kid, signature.value
    invoice.save(force_insert=True)
    InvoiceLine.objects.bulk_create(lines)
    for line, items in contents:
        for item in items:
            item.line = line
    InvoiceItem.objects.bulk_create([item for _line, items in contents for item in items])
    return invoice


def _line(invoice: Invoice, position: int, draft: DraftLine) -> InvoiceLine:
    return InvoiceLine(
        invoice=invoice,
        position=position,
        contract=draft.contract,
        corrects=draft.corrects,
        vat_basis_points=draft.vat_basis_points,
        gross=draft.amount.gross,
        net=draft.amount.net,
        tax=draft.amount.tax,
    )
