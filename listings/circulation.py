"""Where an algorithm may be used: in what its plan licenses, and where its data may circulate.

Important and core data leave the mainland only after an assessment that the exchange cannot make (Data
Security Law of the PRC, articles 21 and 31; Measures for the Security Assessment of Outbound Data Transfer,
2022). Personal information may also go to Hong Kong and Macao, within the Greater Bay Area and no farther
(guidelines on the standard contract for its cross-boundary flow: Hong Kong 2023, Macao 2024).
"""

from dataclasses import dataclass

from accounts.models import Jurisdiction
from listings.models import DataClass, Hub, LicencePlan

SPECIAL_REGIONS = frozenset({Jurisdiction.HONG_KONG, Jurisdiction.MACAO})
CIRCULATES_IN: dict[DataClass, frozenset[Jurisdiction]] = {
    DataClass.GENERAL: frozenset(Jurisdiction),
    DataClass.PERSONAL: SPECIAL_REGIONS | {Jurisdiction.MAINLAND},
    DataClass.IMPORTANT: frozenset({Jurisdiction.MAINLAND}),
    DataClass.CORE: frozenset({Jurisdiction.MAINLAND}),
}


@dataclass(frozen=True)
class Place:
    """Where a machine stands: a jurisdiction and, on the mainland, perhaps a national hub."""

    jurisdiction: Jurisdiction
    hub: str = ""

    @property
    def in_greater_bay(self) -> bool:
        on_the_mainland = self.jurisdiction == Jurisdiction.MAINLAND and self.hub == Hub.GREATER_BAY
        return on_the_mainland or self.jurisdiction in SPECIAL_REGIONS


def in_territory(territory: str, place: Place) -> bool:
    """Whether a plan of this territory licenses use there."""
    match LicencePlan.Territory(territory):
        case LicencePlan.Territory.MAINLAND:
            return place.jurisdiction == Jurisdiction.MAINLAND
        case LicencePlan.Territory.GREATER_BAY:
            return place.in_greater_bay
        case LicencePlan.Territory.WORLD:
            return True


def may_circulate(data_class: str, jurisdiction: str) -> bool:
    """Whether data of this class may go to this jurisdiction without a decision of its regulator."""
    return Jurisdiction(jurisdiction) in CIRCULATES_IN[DataClass(data_class)]
