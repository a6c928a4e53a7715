"""Read a bank's statement: payments in and out, with the balance after each where the bank tells it."""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from settlement.payments.csv_table import decode, name_of, read_fen, read_table

__all__ = ["StatementLine", "decode", "parse"]

COLUMNS = {
    "serial": ("serial", "流水号", "交易流水号"),
    "date": ("date", "交易日期", "记账日期"),
    "amount": ("amount", "贷方金额", "贷方发生额", "收入金额", "金额"),
    "out": ("paid out", "借方金额", "借方发生额", "支出金额"),
    "balance": ("balance", "余额", "账户余额", "当前余额"),
    "payer": ("payer", "对方户名", "对方名称"),
    "payer_account": ("payer account", "对方账号"),
    "remark": ("remark", "附言", "摘要", "用途"),
}
OPTIONAL = {"out", "balance", "payer_account"}
LENGTHS = {"serial": 64, "payer": 200, "payer_account": 64, "remark": 300}
DATE = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")


@dataclass(frozen=True)
class StatementLine:
    """One payment in fen, in (above zero) or out, with the file's line that it stands on."""

    number: int
    serial: str
    booked_on: datetime.date
    amount: int
    balance: int | None
    payer: str
    payer_account: str
    remark: str


def parse(csv_text: str) -> list[StatementLine]:
    """All lines of the statement. Raises BadStatement, naming every line that cannot be read."""
    return read_table(csv_text, columns=COLUMNS, optional=OPTIONAL, read=_line, key=lambda line: line.serial)


def _line(number: int, cells: Mapping[str, str]) -> StatementLine:
    if not cells["serial"]:
        raise ValueError(_("the serial number is missing."))
    for name, length in LENGTHS.items():
        if len(cells.get(name, "")) > length:
            raise ValueError(
                _("%(column)s is longer than %(length)s characters.")
                % {"column": name_of(COLUMNS[name]), "length": length}
            )
    return StatementLine(
        number=number,
        serial=cells["serial"],
        booked_on=_date(cells["date"]),
        amount=_amount(cells["amount"], cells.get("out", "")),
        balance=_balance(cells.get("balance", "")),
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


def _amount(amount: str, out: str) -> int:
    """A signed amount, or one of two columns, of which the other is empty or zero."""
    received, paid = read_fen(amount or "0"), read_fen(out or "0")
    if received is None or paid is None or paid < 0 or bool(received) == bool(paid):
        raise ValueError(
            _("“%(text)s” is not an amount such as 1,234.56; below zero, or in its own column, is paid out.")
            % {"text": f"{amount} {out}".strip()}
        )
    return received or -paid


def _balance(text: str) -> int | None:
    balance = read_fen(text) if text else None
    if text and balance is None:
        raise ValueError(_("“%(text)s” is not a balance such as 1,234.56.") % {"text": text})
    return balance
