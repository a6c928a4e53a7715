"""A mainland code carries GB 32100-2015's check digit; elsewhere any number that is not empty will do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Jurisdiction
from accounts.registration_numbers import (
    CREDIT_CODE_ALPHABET,
    InvalidRegistrationNumber,
    clean_registration_number,
    credit_code_check_character,
)

bodies = st.text(CREDIT_CODE_ALPHABET, min_size=17, max_size=17)


# The example commonly given with the standard, and the codes of Tencent and of Huawei.
@pytest.mark.parametrize("code", ["91350100M000100Y43", "91440300708461136T", "914403001922038216"])
def test_published_codes_are_accepted(code: str) -> None:
    assert clean_registration_number(Jurisdiction.MAINLAND, code) == code


@given(bodies)
def test_the_check_equation_of_the_standard_holds(body: str) -> None:
    code = body + credit_code_check_character(body)
    total = sum(CREDIT_CODE_ALPHABET.index(sign) * 3**place for place, sign in enumerate(code[:17]))
    assert (total + CREDIT_CODE_ALPHABET.index(code[17])) % 31 == 0
    assert clean_registration_number(Jurisdiction.MAINLAND, code) == code


@given(bodies, st.integers(0, 17), st.sampled_from(CREDIT_CODE_ALPHABET))
def test_one_wrong_character_is_noticed(body: str, place: int, sign: str) -> None:
    code = body + credit_code_check_character(body)
    wrong = code[:place] + sign + code[place + 1 :]
    if wrong == code:
        return
    with pytest.raises(InvalidRegistrationNumber, match="does not match"):
        clean_registration_number(Jurisdiction.MAINLAND, wrong)


@given(bodies, st.integers(0, 16))
def test_two_neighbours_exchanged_are_noticed(body: str, place: int) -> None:
    code = body + credit_code_check_character(body)
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if swapped == code:
        return
    with pytest.raises(InvalidRegistrationNumber):
        clean_registration_number(Jurisdiction.MAINLAND, swapped)


def test_small_letters_and_spaces_are_forgiven() -> None:
    assert clean_registration_number("mainland", " 9135 0100 m000100y43 ") == "91350100M000100Y43"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("", "has 18 characters; this one has 0"),
        ("91350100M000100Y4", "this one has 17"),
        ("91350100M000100I43", "also has: I"),
        ("91350100M000100Y44", "does not match"),
    ],
)
def test_a_wrong_code_is_told_what_is_wrong(code: str, sentence: str) -> None:
    with pytest.raises(InvalidRegistrationNumber, match=sentence):
        clean_registration_number(Jurisdiction.MAINLAND, code)


@pytest.mark.parametrize("jurisdiction", [Jurisdiction.HONG_KONG, Jurisdiction.MACAO, Jurisdiction.OTHER])
def test_elsewhere_any_number_but_none(jurisdiction: Jurisdiction) -> None:
    assert clean_registration_number(jurisdiction, " 12345678-000 ") == "12345678-000"
    with pytest.raises(InvalidRegistrationNumber, match="Give the number"):
        clean_registration_number(jurisdiction, "  ")
    with pytest.raises(InvalidRegistrationNumber, match="at most 40"):
        clean_registration_number(jurisdiction, "1" * 41)
