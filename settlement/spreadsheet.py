"""What a CSV file needs so that a spreadsheet reads it as it was meant."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import HttpResponse

BYTE_ORDER_MARK = "\ufeff"  # Without it, spreadsheets read UTF-8 as the system's own encoding.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain(text: str) -> str:
    """Somebody's words must not become a spreadsheet's formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


class Echo:
    """What a csv writer writes to where each line is wanted as it comes."""

    def write(self, line: str) -> str:
        return line


def csv_response(rows: Iterable[Sequence[object]], *, name: str) -> HttpResponse:
    """A file to download, `name` without its ending; the first row has the columns' names."""
    response = HttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield BYTE_ORDER_MARK
    for row in rows:
        yield writer.writerow(row)
