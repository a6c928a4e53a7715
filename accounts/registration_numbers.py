"""Registration numbers: what is written on a legal entity's licence, checked as far as its form allows.

Mainland China's unified social credit code is GB 32100-2015: 18 characters, of which the last is
(31 - sum(value_i * 3**i mod 31)) mod 31 over the 17 before it, in an alphabet without I, O, S, V and Z.
"""

import re

from django.utils.translation import gettext as _

from accounts.errors import InvalidInput
from accounts.models import Jurisdiction

CREDIT_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_CODE_BODY = 17
CREDIT_CODE_LENGTH = 18
LONGEST = 40


class InvalidRegistrationNumber(InvalidInput):
    code = "invalid_registration_number"


def credit_code_check_character(body: str) -> str:
    """The 18th character for these 17, all of the alphabet."""
    weights = (pow(3, place, 31) for place in range(CREDIT_CODE_BODY))
    total = sum(
        CREDIT_CODE_ALPHABET.index(character) * weight
        for character, weight in zip(body, weights, strict=True)
    )
    return CREDIT_CODE_ALPHABET[-total % 31]


def clean_registration_number(jurisdiction: str, number: str) -> str:
    """The number as it is stored: upper case, without spaces around it (or, in the mainland, inside it)."""
    number = number.strip().upper()
    if jurisdiction == Jurisdiction.MAINLAND:
        return _clean_credit_code(re.sub(r"[\s-]", "", number))
    if not number:
        raise InvalidRegistrationNumber(_("Give the number under which the organisation is registered."))
    if len(number) > LONGEST:
        raise InvalidRegistrationNumber(
            _("A registration number has at most %(longest)d characters.") % {"longest": LONGEST}
        )
    return number


def _clean_credit_code(code: str) -> str:
    if len(code) != CREDIT_CODE_LENGTH:
        raise InvalidRegistrationNumber(
            _("A unified social credit code has 18 characters; this one has %(length)d.")
            % {"length": len(code)}
        )
    strange = sorted(set(code) - set(CREDIT_CODE_ALPHABET))
    if strange:
        raise InvalidRegistrationNumber(
            _(
                "A unified social credit code has digits, and capital letters other than I, O, S, V and Z. "
                "This one also has: %(strange)s"
            )
            % {"strange": " ".join(strange)}
        )
    if credit_code_check_character(code[:CREDIT_CODE_BODY]) != code[-1]:
        raise InvalidRegistrationNumber(
            _("The last character does not match the rest: compare the code with the business licence.")
        )
    return code
