"""An invoice's document: canonical JSON that stands by itself, hashed and signed like a contract's."""

import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from accounts.models import Organisation
from settlement.contracts.capitals import in_capitals
from settlement.contracts.document import stamp
from settlement.invoices.models import Invoice, InvoiceItem, InvoiceLine, InvoiceProfile

PARTY = ("name_zh", "name_en", "jurisdiction", "registration_number")
FAPIAO = ("title", "tax_number", "address", "phone", "bank", "bank_account")


def signed_payload(sha256: str) -> bytes:
    """What the platform signs: the words keep an invoice's signature from holding for anything else."""
    return f"suanpan invoice {sha256}".encode()


def profile_of(organisation: Organisation) -> InvoiceProfile:
    """The organisation's profile; without one, what its registration says."""
    return InvoiceProfile.objects.filter(organisation=organisation).first() or InvoiceProfile(
        organisation=organisation,
        title=organisation.name_zh,
        tax_number=organisation.registration_number,
    )


def platform() -> dict[str, Any]:
    """The exchange as a seller, from the settings."""
    own = {name: str(value) for name, value in settings.INVOICE_ISSUER.items()}
    return {name: own[name] for name in PARTY} | {"id": None, "fapiao": {name: own[name] for name in FAPIAO}}


def party(organisation: Organisation) -> dict[str, Any]:
    profile = profile_of(organisation)
    return {name: getattr(organisation, name) for name in PARTY} | {
        "id": organisation.pk,
        "fapiao": {name: getattr(profile, name) for name in FAPIAO} | {"kind": str(profile.kind)},
    }


def document_of(
    invoice: Invoice, lines: Sequence[tuple[InvoiceLine, Sequence[InvoiceItem]]]
) -> dict[str, Any]:
    corrects = invoice.corrects
    return {
        "number": invoice.number,
        "type": "credit_note" if corrects else "invoice",
        "for": str(invoice.kind),
        "corrects": {"number": corrects.number, "sha256": corrects.sha256} if corrects else None,
        "issued_at": stamp(invoice.issued_at),
        "issued_by": platform()["name_en"],
        "contract": invoice.contract.number if invoice.contract else None,
        "period": {"from": stamp(invoice.period_start), "until": stamp(invoice.period_end)},
        "seller": party(invoice.seller) if invoice.seller else platform(),
        "customer": party(invoice.customer),
        "currency": str(invoice.currency),
        "lines": [_line(line, items) for line, items in lines],
        "gross_fen": invoice.gross,
        "net_fen": invoice.net,
        "tax_fen": invoice.tax,
        "gross_in_capitals": in_capitals(invoice.gross),
    }


def _line(line: InvoiceLine, items: Sequence[InvoiceItem]) -> dict[str, Any]:
    contract = line.contract
    terms = json.loads(contract.document)
    return {
        "position": line.position,
        "corrects_position": line.corrects.position if line.corrects else None,
        "contract": contract.number,
        "contract_kind": str(contract.kind),
        "product": terms["product"],
        "quantity": contract.quantity,
        "starts_at": terms["starts_at"],
        "ends_at": terms["ends_at"],
        "funding": terms.get("funding"),
        "vat_basis_points": line.vat_basis_points,
        "gross_fen": line.gross,
        "net_fen": line.net,
        "tax_fen": line.tax,
        "transfers": [
            {
                "transfer": item.charge.transfer_id,
                "kind": str(item.charge.kind),
                "posted_at": stamp(item.charge.posted_at),
                "amount_fen": item.amount,
            }
            for item in items
        ],
    }
