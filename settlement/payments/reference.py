"""Codes that a bank's remark carries: readable, and safe against a slip of the pen.

`TU 0000 0123 74`: a prefix that says what it names (an organisation that tops up, a payout, a manual
transfer), its number, and two check digits after ISO 7064 MOD 97-10, as in an IBAN, which catch every wrong
digit and every pair of neighbours exchanged.
"""

import re
import unicodedata

TOP_UP = "TU"
PAYOUT = "PO"
MANUAL = "MT"
DIGITS = 8
PATTERNS = {
    prefix: re.compile(rf"(?<![A-Z0-9]){prefix}([0-9]{{{DIGITS}}})([0-9]{{2}})(?![0-9])")
    for prefix in (TOP_UP, PAYOUT, MANUAL)
}
BETWEEN = re.compile(r"(?<=[A-Z0-9])[\s\-_./]+(?=[0-9])")


def reference_for(number: int, prefix: str = TOP_UP) -> str:
    digits = f"{number:0{DIGITS}}"
    if len(digits) > DIGITS:
        raise ValueError(f"{number} has more than {DIGITS} digits")
    return f"{prefix} {digits[:4]} {digits[4:]} {_check(digits)}"


def number_in(remark: str, prefix: str = TOP_UP) -> int | None:
    """The number that a bank's remark names after `prefix`; None if it names none, or several."""
    text = BETWEEN.sub("", unicodedata.normalize("NFKC", remark).upper())
    numbers = {int(digits) for digits, check in PATTERNS[prefix].findall(text) if check == _check(digits)}
    return numbers.pop() if len(numbers) == 1 else None


def _check(digits: str) -> str:
    return f"{98 - int(digits) * 100 % 97:02}"
