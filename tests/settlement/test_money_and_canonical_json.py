from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.canonical import canonical_json, sha256_of
from settlement.money import half_even, show_yuan, to_fen, to_yuan


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**6))
def test_half_even_rounds_as_decimal_does(numerator, denominator):
    exact = Decimal(numerator * 2) / Decimal(denominator)
    if exact == exact.to_integral_value():  # What Decimal can tell without rounding itself.
        expected = (exact / 2).quantize(Decimal(1), ROUND_HALF_EVEN)
        assert half_even(numerator, denominator) == expected
    assert abs(2 * (half_even(numerator, denominator) * denominator - numerator)) <= denominator


@given(st.integers(-(10**15), 10**15))
def test_fen_survive_the_way_to_yuan_and_back(fen):
    assert to_fen(to_yuan(fen)) == fen


def test_money_is_shown_with_its_sign_first():
    assert [show_yuan(fen) for fen in (123_456_789, -5, 0)] == ["¥1,234,567.89", "-¥0.05", "¥0.00"]


@pytest.mark.parametrize("yuan", ["0.001", "NaN", "Infinity"])
def test_what_is_not_whole_fen_is_refused(yuan):
    with pytest.raises(ValueError, match="whole number of fen"):
        to_fen(Decimal(yuan))


def test_members_are_sorted_by_utf_16_as_rfc_8785_shows():
    """The names of RFC 8785, 3.2.3, in the order it gives."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    text = canonical_json(dict.fromkeys(names, 0))
    assert text == "{" + ",".join(f"{canonical_json(name)}:0" for name in ordered) + "}"


def test_strings_are_escaped_only_where_json_must():
    """The string of RFC 8785, 3.2.2.2."""
    text = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/"
    assert canonical_json(text) == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'


def test_the_hash_does_not_depend_on_the_order_of_members():
    assert sha256_of({"a": 1, "b": [True, None]}) == sha256_of({"b": (True, None), "a": 1})


@pytest.mark.parametrize("value", [1.5, {"a": b""}, [object()]])
def test_what_has_no_one_spelling_is_refused(value):
    with pytest.raises(TypeError):
        canonical_json(value)


def test_an_integer_that_json_cannot_carry_is_refused():
    with pytest.raises(ValueError, match="write a string"):
        canonical_json(2**53)
