"""The rails' verbs: money comes in, and goes out."""

from settlement.payments.operations.bank import (
    BANK_LINE,
    Imported,
    assign_bank_line,
    import_bank_lines,
    top_up_reference,
)

__all__ = ["BANK_LINE", "Imported", "assign_bank_line", "import_bank_lines", "top_up_reference"]
