"""Numbers without gaps: one is taken in the transaction that writes its document, or not at all."""

from settlement.invoices.models import Invoice, NumberSeries


def next_number(*, series: Invoice.Series, year: int) -> int:
    """The next serial of a series and year; others wait for this transaction to end."""
    NumberSeries.objects.bulk_create([NumberSeries(series=series, year=year)], ignore_conflicts=True)
    row = NumberSeries.objects.select_for_update().get(series=series, year=year)
    row.last += 1
    row.save(update_fields=["last"])
    return row.last
