"""An amount in Chinese capitals says the same sum as its figures."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from settlement.contracts.capitals import in_capitals

DIGITS = {word: number for number, word in enumerate("零壹贰叁肆伍陆柒捌玖")}
TENS = {"拾": 10, "佰": 100, "仟": 1000}


def read(words: str) -> int:
    """The amount in fen, read from left to right as a teller would."""
    total = group = digit = 0
    for word in words.removeprefix("人民币").removesuffix("整"):
        if word in DIGITS:
            digit = DIGITS[word]
        elif word in TENS:
            group, digit = group + digit * TENS[word], 0
        elif word in "万亿元":
            total, group, digit = (
                total + (group + digit) * {"万": 10**4, "亿": 10**8, "元": 1}[word] * 100,
                0,
                0,
            )
        else:
            total, digit = total + digit * {"角": 10, "分": 1}[word], 0
    return total


@given(st.integers(0, 10**14 - 1))
@example(10_000_000_00)
@example(100_000_001_00)
@example(100_010_000_00)
def test_what_is_written_reads_back(fen):
    words = in_capitals(fen)
    assert read(words) == fen
    assert "零零" not in words
    assert "亿万" not in words


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "人民币零元整"),
        (5, "人民币伍分"),
        (50, "人民币伍角整"),
        (100_00, "人民币壹佰元整"),
        (10_00, "人民币壹拾元整"),
        (10_05, "人民币壹拾元零伍分"),
        (325_04, "人民币叁佰贰拾伍元零肆分"),
        (1_680_32, "人民币壹仟陆佰捌拾元叁角贰分"),
        (107_000_53, "人民币壹拾万柒仟元伍角叁分"),
        (1_001_000_10, "人民币壹佰万壹仟元壹角整"),
        (1_000_100_01, "人民币壹佰万零壹佰元零壹分"),
        (100_000_000_00, "人民币壹亿元整"),
        (1_409_50, "人民币壹仟肆佰零玖元伍角整"),
        (6_007_14, "人民币陆仟零柒元壹角肆分"),
        (16_409_02, "人民币壹万陆仟肆佰零玖元零贰分"),
        (100_000_001_00, "人民币壹亿零壹元整"),
        (30_0500_0000_00, "人民币叁拾亿零伍佰万元整"),
    ],
)
def test_as_the_peoples_bank_writes_it(fen, words):
    assert in_capitals(fen) == words


@pytest.mark.parametrize("fen", [-1, 10**14])
def test_beyond_its_range_it_refuses(fen):
    with pytest.raises(ValueError, match="cannot be written"):
        in_capitals(fen)
