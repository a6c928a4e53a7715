"""A contract's PDF: its signed document and nothing else, so that the same contract gives the same bytes."""

import datetime
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import qrcode
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from qrcode.image.svg import SvgPathImage

from listings.places import local_city
from settlement.contracts.capitals import in_capitals
from settlement.contracts.models import Contract
from settlement.money import show_yuan
from settlement.pdf import render_pdf

HOUR = datetime.timedelta(hours=1)
LANGUAGES = {"zh": "zh-hans", "en": "en"}


def contract_pdf(contract: Contract, *, language: str) -> bytes:
    """`language` is a key of LANGUAGES."""
    with translation.override(LANGUAGES[language]):
        data = pdf_data(contract)
    return render_pdf("contracts/contract.typ", data, language=language)


def verify_url(contract: Contract) -> str:
    """Where anybody checks the hash and the signature."""
    return settings.SITE_URL + reverse("contracts:verify", args=[contract.sha256])


def pdf_data(contract: Contract) -> dict[str, Any]:
    """What the template shows; the city in the language in force."""
    document: dict[str, Any] = json.loads(contract.document)
    url = verify_url(contract)
    return {
        "document": document,
        "city": local_city(document["product"].get("city", "")),
        "zone": settings.EXCHANGE_ZONE,
        "opened_at": _local(document["opened_at"]),
        "starts_at": _local(document["starts_at"]),
        "ends_at": _local(document["ends_at"]) if document["ends_at"] else None,
        "hours": len(document["hourly_prices_fen"]),
        "runs": [_shown(run, document["quantity"]) for run in price_runs(document)],
        "total": show_yuan(document["total_fen"]),
        "funded": show_yuan(document["funding"]["funded_fen"]) if document.get("funding") else None,
        "capitals": in_capitals(document["total_fen"]),
        "sha256": contract.sha256,
        "kid": contract.signed_with_id or "",
        "signature": contract.signature,
        "verify_url": url,
        "qr": _qr(url),
        "accepted": {
            side: _local(document["agreement"][f"accepted_by_{side}"]["at"]) for side in ("buyer", "provider")
        }
        if document.get("agreement")
        else None,
    }


@dataclass(frozen=True)
class PriceRun:
    """Hours in a row that cost the same, in fen for each unit and hour."""

    starts_at: datetime.datetime
    hours: int
    price: int


def price_runs(document: dict[str, Any]) -> Sequence[PriceRun]:
    runs, slot = [], _moment(document["starts_at"])
    for price, same in groupby(document["hourly_prices_fen"]):
        hours = len(list(same))
        runs.append(PriceRun(slot, hours, price))
        slot += hours * HOUR
    return runs


def _shown(run: PriceRun, units: int) -> dict[str, Any]:
    return {
        "from": _written(run.starts_at),
        "until": _written(run.starts_at + run.hours * HOUR),
        "hours": run.hours,
        "price": show_yuan(run.price),
        "amount": show_yuan(run.hours * units * run.price),
    }


def _moment(stamp: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(stamp)


def _local(stamp: str) -> str:
    return _written(_moment(stamp))


def _written(moment: datetime.datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(settings.EXCHANGE_ZONE)):%Y-%m-%d %H:%M}"


def _qr(url: str) -> str:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0)
    code.add_data(url)
    drawn = io.BytesIO()
    code.make_image(image_factory=SvgPathImage).save(drawn)
    return drawn.getvalue().decode()
