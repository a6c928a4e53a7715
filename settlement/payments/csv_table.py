"""Read a table that a bank exported: CSV in UTF-8 or GBK, with English or Chinese column names."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from django.utils.translation import gettext as _

from settlement.money import to_fen
from settlement.payments.errors import BadLine, BadStatement

Row = TypeVar("Row")
LARGEST = Decimal(10) ** 12  # Yuan; what is beyond is a slip of the file.


def decode(data: bytes) -> str:
    """UTF-8, with or without a byte-order mark, else GB 18030 (which contains GBK). Raises BadStatement."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadStatement([BadLine(1, _("save the file as CSV in UTF-8 or GBK."))])


def read_table(
    csv_text: str,
    *,
    columns: Mapping[str, Sequence[str]],
    optional: set[str],
    read: Callable[[int, Mapping[str, str]], Row],
    key: Callable[[Row], str],
) -> list[Row]:
    """Each row as `read` makes it of its line number and its cells, by column; no key twice.

    `columns` gives the spellings of each column's name. Raises BadStatement with every line of which `read`
    raised ValueError.
    """
    rows = csv.reader(io.StringIO(csv_text.removeprefix("\ufeff"), newline=""))
    places = _places(next(rows, []), columns, optional)
    found: list[Row] = []
    bad: list[BadLine] = []
    seen: dict[str, int] = {}
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        try:
            line = read(rows.line_num, {name: row[place].strip() for name, place in places.items()})
            first = seen.setdefault(key(line), rows.line_num)
            if first != rows.line_num:
                raise ValueError(_("the serial number stands on line %(line)s already.") % {"line": first})
            found.append(line)
        except IndexError:
            bad.append(BadLine(rows.line_num, _("a column is missing.")))
        except ValueError as error:
            bad.append(BadLine(rows.line_num, str(error)))
    if bad:
        raise BadStatement(bad)
    return found


def name_of(spellings: Sequence[str]) -> str:
    """How a column is told of: its English name, and the Chinese one that banks write most."""
    return f"{spellings[0]} ({spellings[1]})"


def _places(header: list[str], columns: Mapping[str, Sequence[str]], optional: set[str]) -> dict[str, int]:
    names = [cell.strip().lower() for cell in header]
    places = {
        column: names.index(spelling)
        for column, spellings in columns.items()
        for spelling in reversed(spellings)
        if spelling in names
    }
    missing = [
        name_of(spellings) for column, spellings in columns.items() if column not in {*places, *optional}
    ]
    if missing:
        raise BadStatement(
            [BadLine(1, _("the columns %(names)s are missing.") % {"names": ", ".join(missing)})]
        )
    return places


def read_fen(text: str) -> int | None:
    """`-1,234.56` as fen; None for what is no amount in yuan."""
    try:
        yuan = Decimal(text.replace(",", "").replace("¥", "").replace("￥", ""))
        return to_fen(yuan) if yuan.is_finite() and abs(yuan) < LARGEST else None
    except (InvalidOperation, ValueError):
        return None
