"""The reference code a buyer writes on a bank transfer: readable, and safe against a slip of the pen.

`TU 0000 0123 74`: the organisation's number and two check digits after ISO 7064 MOD 97-10, as in an IBAN,
which catch every wrong digit and every pair of neighbours exchanged.
"""

import re
import unicodedata

PREFIX = "TU"
DIGITS = 8
PATTERN = re.compile(rf"(?<![A-Z0-9]){PREFIX}([0-9]{{{DIGITS}}})([0-9]{{2}})(?![0-9])")
BETWEEN = re.compile(r"(?<=[A-Z0-9])[\s\-_./]+(?=[0-9])")


def reference_for(number: int) -> str:
    digits = f"{number:0{DIGITS}}"
    if len(digits) > DIGITS:
        raise ValueError(f"{number} has more than {DIGITS} digits")
    return f"{PREFIX} {digits[:4]} {digits[4:]} {_check(digits)}"


def number_in(remark: str) -> int | None:
    """The organisation's number that a bank's remark names; None if it names none, or several."""
    text = BETWEEN.sub("", unicodedata.normalize("NFKC", remark).upper())
    numbers = {int(digits) for digits, check in PATTERN.findall(text) if check == _check(digits)}
    return numbers.pop() if len(numbers) == 1 else None


def _check(digits: str) -> str:
    return f"{98 - int(digits) * 100 % 97:02}"
