"""Read a bank's statement: CSV in UTF-8 or GBK, with English or Chinese column names."""

import csv
import datetime
import io
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from settlement.money import to_fen
from settlement.payments.errors import BadLine, BadStatement

COLUMNS = {
    "serial": ("serial", "流水号", "交易流水号"),
    "date": ("date", "交易日期", "记账日期"),
    "amount": ("amount", "贷方金额", "贷方发生额", "收入金额", "金额"),
    "payer": ("payer", "对方户名", "对方名称"),
    "payer_account": ("payer account", "对方账号"),
    "remark": ("remark", "附言", "摘要", "用途"),
}
OPTIONAL = {"payer_account"}
LENGTHS = {"serial": 64, "payer": 200, "payer_account": 64, "remark": 300}
DATE = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")
LARGEST = Decimal(10) ** 12  # Yuan; what is beyond is a slip of the file.


@dataclass(frozen=True)
class StatementLine:
    """One incoming payment, in fen, with the file's line that it stands on."""

    number: int
    serial: str
    booked_on: datetime.date
    amount: int
    payer: str
    payer_account: str
    remark: str


def decode(data: bytes) -> str:
    """UTF-8, with or without a byte-order mark, else GB 18030 (which contains GBK). Raises BadStatement."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadStatement([BadLine(1, _("save the file as CSV in UTF-8 or GBK."))])


def parse(csv_text: str) -> list[StatementLine]:
    """All lines of the statement. Raises BadStatement, naming every line that cannot be read."""
    rows = csv.reader(io.StringIO(csv_text.removeprefix("\ufeff"), newline=""))
    header = next(rows, [])
    places = _places(header)
    lines: list[StatementLine] = []
    bad: list[BadLine] = []
    seen: dict[str, int] = {}
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        try:
            line = _line(rows.line_num, {name: row[place].strip() for name, place in places.items()})
            first = seen.setdefault(line.serial, line.number)
            if first != line.number:
                raise ValueError(_("the serial number stands on line %(line)s already.") % {"line": first})
            lines.append(line)
        except IndexError:
            bad.append(BadLine(rows.line_num, _("a column is missing.")))
        except ValueError as error:
            bad.append(BadLine(rows.line_num, str(error)))
    if bad:
        raise BadStatement(bad)
    return lines


def _places(header: list[str]) -> dict[str, int]:
    names = [cell.strip().lower() for cell in header]
    places = {
        column: names.index(spelling)
        for column, spellings in COLUMNS.items()
        for spelling in reversed(spellings)
        if spelling in names
    }
    missing = [
        spellings[0]
        for column, spellings in COLUMNS.items()
        if column not in places | dict.fromkeys(OPTIONAL)
    ]
    if missing:
        raise BadStatement(
            [BadLine(1, _("the columns %(names)s are missing.") % {"names": ", ".join(missing)})]
        )
    return places


def _line(number: int, cells: dict[str, str]) -> StatementLine:
    if not cells["serial"]:
        raise ValueError(_("the serial number is missing."))
    for name, length in LENGTHS.items():
        if len(cells.get(name, "")) > length:
            raise ValueError(
                _("%(column)s is longer than %(length)s characters.") % {"column": name, "length": length}
            )
    return StatementLine(
        number=number,
        serial=cells["serial"],
        booked_on=_date(cells["date"]),
        amount=_amount(cells["amount"]),
        payer=cells["payer"],
        payer_account=cells.get("payer_account", ""),
        remark=cells["remark"],
    )


def _date(text: str) -> datetime.date:
    match = DATE.match(text)
    try:
        year, month, day = map(int, match.groups()) if match else (0, 0, 0)
        return datetime.date(year, month, day)
    except ValueError:
        raise ValueError(_("“%(text)s” is not a date such as 2026-06-01.") % {"text": text}) from None


def _amount(text: str) -> int:
    try:
        yuan = Decimal(text.replace(",", "").replace("¥", "").replace("￥", ""))
        fen = to_fen(yuan) if yuan.is_finite() and abs(yuan) < LARGEST else 0
    except (InvalidOperation, ValueError):
        fen = 0
    if fen <= 0:
        raise ValueError(
            _("“%(text)s” is not an amount received, such as 1,234.56; leave payments made out.")
            % {"text": text}
        )
    return fen
