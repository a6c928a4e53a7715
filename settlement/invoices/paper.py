"""An invoice on paper: its document, with amounts and times written out for the reader's language."""

import datetime
import json
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponse

from settlement.invoices.models import FapiaoRequest, Invoice
from settlement.invoices.queries import fapiao_of
from settlement.money import show_yuan, to_yuan
from settlement.pdf import render_pdf

TEMPLATE = "invoices/invoice.typ"
LANGUAGES = ("zh-hans", "en")


def download(invoice: Invoice, language: str) -> HttpResponse:
    response = HttpResponse(
        invoice_pdf(invoice, fapiao_of(invoice), language=language), content_type="application/pdf"
    )
    response["Content-Disposition"] = f'attachment; filename="{invoice.number}.pdf"'
    return response


def invoice_pdf(invoice: Invoice, fapiao: FapiaoRequest | None, *, language: str) -> bytes:
    """In Chinese or English, from the signed document alone, but for the fapiao's number if there is one."""
    spoken = "zh" if language.startswith("zh") else "en"
    return render_pdf(TEMPLATE, _data(invoice, fapiao, spoken), language=spoken)


def _data(invoice: Invoice, fapiao: FapiaoRequest | None, language: str) -> dict[str, Any]:
    document = json.loads(invoice.document)
    issued = fapiao is not None and fapiao.status == FapiaoRequest.Status.ISSUED
    return {
        "number": document["number"],
        "type": document["type"],
        "for": document["for"],
        "corrects": document["corrects"]["number"] if document["corrects"] else "",
        "contract": document["contract"] or "",
        "issued_at": _time(document["issued_at"]),
        "since": _time(document["period"]["from"]),
        "until": _time(document["period"]["until"]),
        "zone": settings.EXCHANGE_ZONE,
        "seller": _party(document["seller"], language),
        "customer": _party(document["customer"], language),
        "issuer": settings.INVOICE_ISSUER["name_zh" if language == "zh" else "name_en"],
        "self_billed": document["seller"]["id"] is not None,
        "lines": [_line(line, language) for line in document["lines"]],
        "net": _money(document["net_fen"]),
        "tax": _money(document["tax_fen"]),
        "gross": show_yuan(document["gross_fen"]),
        "capitals": document["gross_in_capitals"],
        "currency": document["currency"],
        "sha256": invoice.sha256,
        "kid": invoice.signed_with_id,
        "signature": invoice.signature,
        "fapiao_number": fapiao.number if fapiao and issued else "",
        "fapiao_date": str(fapiao.issued_on) if fapiao and issued else "",
    }


def _party(party: dict[str, Any], language: str) -> dict[str, str]:
    fapiao = party["fapiao"]
    return {
        "name": party["name_zh" if language == "zh" else "name_en"],
        "registration_number": party["registration_number"],
        "kind": fapiao.get("kind", ""),
        **{
            name: fapiao[name] for name in ("title", "tax_number", "address", "phone", "bank", "bank_account")
        },
    }


def _line(line: dict[str, Any], language: str) -> dict[str, Any]:
    product = line["product"]
    compute = line["contract_kind"] == "compute"
    named = "facility" if compute else "algorithm"
    return {
        "contract": line["contract"],
        "kind": line["contract_kind"],
        "name": product[f"{named}_{language}"],
        "detail": product["accelerator"] if compute else product["plan_name"],
        "quantity": f"{line['quantity']:,}",
        "hours": _hours(line["starts_at"], line["ends_at"]) if line["ends_at"] else "",
        "funded": show_yuan(line["funding"]["funded_fen"]) if line["funding"] else "",
        "rate": f"{line['vat_basis_points'] / 100:g}%",
        "gross": _money(line["gross_fen"]),
        "net": _money(line["net_fen"]),
        "tax": _money(line["tax_fen"]),
    }


def _time(stamp: str) -> str:
    moment = datetime.datetime.fromisoformat(stamp)
    return moment.astimezone(ZoneInfo(settings.EXCHANGE_ZONE)).strftime("%Y-%m-%d %H:%M")


def _hours(starts_at: str, ends_at: str) -> str:
    """`2026-06-01 13:00 – 17:00`: the day is said once where it is one."""
    first, last = _time(starts_at), _time(ends_at)
    return f"{first} – {last.removeprefix(first[:11])}"


def _money(fen: int) -> str:
    return f"{to_yuan(fen):,.2f}"
