"""What a contract says beside who, what and how much; in codes that pages and the PDF put into words."""

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Jurisdiction, Organisation
from listings.circulation import may_circulate
from listings.models import DataClass, Facility, Hub
from settlement.contracts.models import Contract


@dataclass(frozen=True)
class Tier:
    """Below this availability, this share of the hour's price is credited; both in basis points."""

    below: int
    credit: int

    @property
    def below_ratio(self) -> Decimal:
        return Decimal(self.below).scaleb(-4)

    @property
    def credit_ratio(self) -> Decimal:
        return Decimal(self.credit).scaleb(-4)


DEFAULT_TIERS = (
    Tier(below=9950, credit=1000),
    Tier(below=9900, credit=3000),
    Tier(below=9500, credit=10_000),
)


class DataPath(models.TextChoices):
    """Where the buyer's data go to be processed."""

    WITHIN = "within", _("Stay within the buyer's jurisdiction")
    GREATER_BAY = "greater_bay", _("Cross a boundary within the Greater Bay Area")
    ACROSS = "across", _("Cross a boundary")


class Misuse(models.TextChoices):
    """Article 9 of the master agreement."""

    UNLAWFUL = "unlawful", _("Activities against the law, national security or the public interest")
    ATTACKS = "attacks", _("Attacks on computer systems")
    CONTENT = "content", _("Unlawful content")
    MINING = "mining", _("Mining of cryptocurrency")
    EVASION = "evasion", _("Evasion of export controls or sanctions")
    RESALE = "resale", _("Resale of access")


ACCEPTABLE_USE = {"article": 9, "excluded": [each.value for each in Misuse]}
BY_AGREEMENT_ALONE = {DataClass.IMPORTANT, DataClass.CORE}
GREATER_BAY = {Jurisdiction.MAINLAND, Jurisdiction.HONG_KONG, Jurisdiction.MACAO}


def compute_terms(buyer: Organisation, facility: Facility) -> dict[str, Any]:
    return {
        "service_level": {"tiers": [asdict(tier) for tier in DEFAULT_TIERS]},
        "data": {
            "allowed": [each.value for each in DataClass if _may_be_processed(each, facility)],
            "excluded": [each.value for each in DataClass if not _may_be_processed(each, facility)],
            "processed_in": facility.jurisdiction,
            "path": data_path(buyer, facility).value,
        },
        "acceptable_use": ACCEPTABLE_USE,
        "termination": {"break_fee_basis_points": settings.BREAK_FEE_BASIS_POINTS},
    }


def licence_terms() -> dict[str, Any]:
    """A licence that is paid at once cannot end before its time."""
    if not settings.LICENCE_ACCEPTANCE_DAYS:
        return {"acceptable_use": ACCEPTABLE_USE}
    return {
        "acceptable_use": ACCEPTABLE_USE,
        "acceptance": {"days": settings.LICENCE_ACCEPTANCE_DAYS},
        "termination": {"break_fee_basis_points": settings.BREAK_FEE_BASIS_POINTS},
    }


def acceptance_end(document: Mapping[str, Any]) -> datetime.datetime | None:
    """Until when a licence's price stays in escrow; None where the document gives no time to accept it."""
    days = document["terms"].get("acceptance", {}).get("days", 0)
    starts_at = datetime.datetime.fromisoformat(document["starts_at"])
    return starts_at + datetime.timedelta(days=days) if days else None


def _may_be_processed(data_class: DataClass, facility: Facility) -> bool:
    return data_class not in BY_AGREEMENT_ALONE and may_circulate(data_class, facility.jurisdiction)


def data_path(buyer: Organisation, facility: Facility) -> DataPath:
    if buyer.jurisdiction == facility.jurisdiction:
        return DataPath.WITHIN
    in_the_bay = facility.jurisdiction != Jurisdiction.MAINLAND or facility.hub == Hub.GREATER_BAY
    if {buyer.jurisdiction, facility.jurisdiction} <= GREATER_BAY and in_the_bay:
        return DataPath.GREATER_BAY
    return DataPath.ACROSS


def tiers_of(contract: Contract) -> Sequence[Tier]:
    """The contract's own table of service levels, or the default where it is older than such tables."""
    level = _terms_of(contract).get("service_level")
    if level is None:
        return DEFAULT_TIERS
    return [Tier(below=each["below"], credit=each["credit"]) for each in level["tiers"]]


def break_fee_basis_points_of(contract: Contract) -> int:
    """What a buyer in breach leaves of the undelivered hours' price; nothing where the contract is silent."""
    return int(_terms_of(contract).get("termination", {}).get("break_fee_basis_points", 0))


@dataclass(frozen=True)
class TermsShown:
    """What a contract's page says of its terms; what an older document does not state is None or empty."""

    agreement: dict[str, Any] | None
    bundled_with: Sequence[str]
    tiers: Sequence[Tier]
    data_classes: Sequence[DataClass]
    data_path: DataPath | None
    processed_in: Jurisdiction | None
    misuses: Sequence[Misuse]
    break_fee_basis_points: int
    acceptance_days: int
    version: dict[str, Any] | None


def terms_shown(contract: Contract) -> TermsShown:
    document = json.loads(contract.document)
    terms, data = document["terms"], document["terms"].get("data")
    return TermsShown(
        agreement=document.get("agreement"),
        bundled_with=(document.get("bundle") or {}).get("with", []),
        tiers=tiers_of(contract) if contract.kind == Contract.Kind.COMPUTE else [],
        data_classes=[DataClass(each) for each in data["allowed"]] if data else [],
        data_path=DataPath(data["path"]) if data else None,
        processed_in=Jurisdiction(data["processed_in"]) if data else None,
        misuses=[Misuse(each) for each in terms.get("acceptable_use", {}).get("excluded", [])],
        break_fee_basis_points=break_fee_basis_points_of(contract),
        acceptance_days=terms.get("acceptance", {}).get("days", 0),
        version=document["product"].get("version"),
    )


def _terms_of(contract: Contract) -> dict[str, Any]:
    terms: dict[str, Any] = json.loads(contract.document)["terms"]
    return terms
