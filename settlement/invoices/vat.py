"""Value-added tax: which rate applies where and since when, and the one place where it meets an amount.

Mainland China: modern services, 6 %, nationwide since 1 May 2016 (财税〔2016〕36号), kept by the VAT Act of
2026 (增值税法, article 10). Hong Kong and Macao have no VAT. A new rate is one more line here.
"""

import datetime
from dataclasses import dataclass

from accounts.models import Jurisdiction
from settlement.money import half_even

BASIS_POINTS = 10_000
LONG_AGO = datetime.date(2000, 1, 1)


@dataclass(frozen=True)
class Rate:
    jurisdiction: Jurisdiction
    since: datetime.date
    basis_points: int


RATES = (
    Rate(Jurisdiction.MAINLAND, datetime.date(2016, 5, 1), 600),
    Rate(Jurisdiction.HONG_KONG, LONG_AGO, 0),
    Rate(Jurisdiction.MACAO, LONG_AGO, 0),
    Rate(Jurisdiction.OTHER, LONG_AGO, 0),
)


def rate_on(jurisdiction: str, day: datetime.date) -> int:
    """What a seller of this jurisdiction charges on this day, in basis points."""
    rates = [each for each in RATES if each.jurisdiction == jurisdiction and each.since <= day]
    return max(rates, key=lambda each: each.since).basis_points


@dataclass(frozen=True)
class Taxed:
    """An amount that includes its tax; all in fen."""

    gross: int
    net: int

    @property
    def tax(self) -> int:
        return self.gross - self.net

    def less(self, credited: "Taxed") -> "Taxed":
        return Taxed(self.gross - credited.gross, self.net - credited.net)


def split(gross: int, basis_points: int) -> Taxed:
    """Prices include the tax: the net part, half-even, and the rest."""
    return Taxed(gross, half_even(gross * BASIS_POINTS, BASIS_POINTS + basis_points))


def credit(line: Taxed, before: Taxed, gross: int, basis_points: int) -> Taxed:
    """`gross` more taken back of `line`, of which `before` was: the tax left is that of the amount left.

    So what several credit notes take back of a line never differs from it by a rounding.
    """
    left = line.less(before)
    return left.less(split(left.gross - gross, basis_points))
