"""The CSV in which a provider uploads capacity: what its columns are called, and how they are read."""

import csv
import datetime
import io
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.errors import InvalidInput
from listings.errors import BadLine
from listings.models import Pool
from listings.slots import slot_of

# Either name is read, in any order of columns; a template has those of its reader's language.
COLUMNS = {
    "facility": ("facility", "算力设施"),
    "accelerator": ("accelerator", "加速卡"),
    "units": ("units", "卡数"),
    "starts_at": ("from", "开始时间"),
    "ends_at": ("until", "结束时间"),
    "reserve_price": ("reserve price", "保留价"),
}
FIELD_OF = {name: field for field, names in COLUMNS.items() for name in names}
# What Excel writes a date as depends on its language.
TIME_FORMATS = (
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d",
)
MONEY = re.compile(r"[¥￥]?((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d{1,2})?)")
MOST_LINES = 500
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class CapacityLine:
    """One line that can be listed. Price in fen."""

    number: int
    text: str
    pool: Pool
    units: int
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    reserve_price: int


def read_capacity_csv(
    content: bytes, *, pools: list[Pool], zone: ZoneInfo
) -> tuple[list[CapacityLine], list[BadLine]]:
    """The good lines and the bad ones. Raises InvalidInput where the file as a whole cannot be read.

    `pools` are those that may be named; times without an offset are in `zone`.
    """
    rows = _rows(_decode(content))
    fields = _fields(next(rows, (1, []))[1])
    good: list[CapacityLine] = []
    bad: list[BadLine] = []
    for number, cells in rows:
        if len(good) + len(bad) >= MOST_LINES:
            raise InvalidInput(_("The file has more than %(most)s lines. Split it.") % {"most": MOST_LINES})
        text = ", ".join(cells)
        if len(cells) > len(fields):
            bad.append(BadLine(number, text, _("The line has more cells than there are columns.")))
            continue
        line = _read(number, text, dict(zip(fields, cells, strict=False)), pools, zone)
        if isinstance(line, BadLine):
            bad.append(line)
        else:
            good.append(line)
    if not good and not bad:
        raise InvalidInput(_("The file has no lines below its first."))
    return good, bad


def template(pools: list[Pool], *, zone: ZoneInfo, now: datetime.datetime) -> str:
    """A CSV to fill in: the provider's pools over tomorrow, all their units, without a price.

    It opens with a byte order mark, without which Excel shows Chinese as noise.
    """
    output = io.StringIO()
    output.write("\ufeff")
    writer = csv.writer(output)
    chinese = (get_language() or "").startswith("zh")
    writer.writerow(names[chinese] for names in COLUMNS.values())
    tomorrow = (now.astimezone(zone) + datetime.timedelta(days=1)).replace(hour=0, minute=0)
    day_after = tomorrow + datetime.timedelta(days=1)
    for pool in pools:
        facility = pool.facility.name_zh if chinese else pool.facility.name_en
        times = (f"{tomorrow:%Y-%m-%d %H:%M}", f"{day_after:%Y-%m-%d %H:%M}")
        writer.writerow([_inert(facility), pool.accelerator.slug, pool.units, *times, ""])
    return output.getvalue()


def _decode(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise InvalidInput(_("The file is larger than %(most)s MB.") % {"most": MOST_BYTES // 1_000_000})
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InvalidInput(_("This is a spreadsheet. Save it as CSV, and upload that."))
    # GB 18030 contains GBK, which Chinese editions of Excel write.
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise InvalidInput(_("The file's characters cannot be read. Save it as CSV in UTF-8."))


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not blank, numbered as an editor does, their cells normalised: １２ is 12."""
    header = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    number = 1
    try:
        for cells in reader:
            normal = [unicodedata.normalize("NFKC", cell).strip() for cell in cells]
            if any(normal):
                yield number, normal
            number = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(_("The file is not CSV from line %(number)s on.") % {"number": number}) from error


def _fields(header: list[str]) -> list[str]:
    fields = [FIELD_OF.get(name.lower(), "") for name in header]
    missing = [names[0] for field, names in COLUMNS.items() if field not in fields]
    if missing:
        raise InvalidInput(
            _("The first line must name the columns; these are missing: %(columns)s.")
            % {"columns": ", ".join(missing)}
        )
    twice = [name for name, field in zip(header, fields, strict=True) if field and fields.count(field) > 1]
    if twice:
        raise InvalidInput(_("These columns come twice: %(columns)s.") % {"columns": ", ".join(twice)})
    return fields


def _read(
    number: int, text: str, cells: dict[str, str], pools: list[Pool], zone: ZoneInfo
) -> CapacityLine | BadLine:
    readers: dict[str, Callable[[], Any]] = {
        "pool": lambda: _pool(cells.get("facility", ""), cells.get("accelerator", ""), pools),
        "units": lambda: _units(cells.get("units", "")),
        "starts_at": lambda: _time(cells.get("starts_at", ""), zone),
        "ends_at": lambda: _time(cells.get("ends_at", ""), zone),
        "reserve_price": lambda: _fen(cells.get("reserve_price", "")),
    }
    values: dict[str, Any] = {}
    reasons: list[str] = []
    for field, read in readers.items():
        try:
            values[field] = read()
        except InvalidInput as error:
            reasons.append(str(error))
    if reasons:
        return BadLine(number, text, " ".join(reasons))
    return CapacityLine(number=number, text=text, **values)


def _pool(facility: str, accelerator: str, pools: list[Pool]) -> Pool:
    at_facility = [pool for pool in pools if _same(facility, pool.facility.name_en, pool.facility.name_zh)]
    if not at_facility:
        raise InvalidInput(
            _("No facility of yours with a pool is called “%(facility)s”.") % {"facility": facility}
        )
    for pool in at_facility:
        model = pool.accelerator
        if _same(accelerator, model.slug, model.name, str(model)):
            return pool
    known = ", ".join(pool.accelerator.slug for pool in at_facility)
    raise InvalidInput(
        _("“%(accelerator)s” has no pool at this facility; these have: %(known)s.")
        % {"accelerator": accelerator, "known": known}
    )


def _same(written: str, *names: str) -> bool:
    return bool(written) and written.casefold() in {
        unicodedata.normalize("NFKC", name).casefold() for name in names
    }


def _units(written: str) -> int:
    digits = written.replace(",", "")
    if not digits.isdecimal() or not 0 < int(digits) < 2**31:
        raise InvalidInput(_("“%(written)s” is not a number of units.") % {"written": written})
    return int(digits)


def _time(written: str, zone: ZoneInfo) -> datetime.datetime:
    for form in TIME_FORMATS:
        try:
            local = datetime.datetime.strptime(written, form)  # noqa: DTZ007
        except ValueError:
            continue
        moment = local.replace(tzinfo=zone).astimezone(datetime.UTC)
        if moment != slot_of(moment):
            raise InvalidInput(_("“%(written)s” is not on the hour.") % {"written": written})
        return moment
    raise InvalidInput(_("“%(written)s” is not a time like 2026-06-01 08:00.") % {"written": written})


def _fen(written: str) -> int:
    match = MONEY.fullmatch(written)
    if match is None:
        raise InvalidInput(
            _("“%(written)s” is not a price in CNY with at most two decimals.") % {"written": written}
        )
    return int(Decimal(match[1].replace(",", "")) * 100)


def _inert(cell: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell
