"""What a CSV file needs so that a spreadsheet reads it as it was meant."""

BYTE_ORDER_MARK = "\ufeff"  # Without it, spreadsheets read UTF-8 as the system's own encoding.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain(text: str) -> str:
    """Somebody's words must not become a spreadsheet's formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
