"""The rails' verbs: money comes in, and goes out."""

from settlement.payments.operations.bank import (
    BANK_LINE,
    Imported,
    assign_bank_line,
    import_bank_lines,
    top_up_reference,
)
from settlement.payments.operations.manual_transfer import (
    Place,
    approve_manual_transfer,
    propose_manual_transfer,
    refuse_manual_transfer,
)
from settlement.payments.operations.payout import (
    ask_payout,
    fail_payout,
    open_payout,
    pay_payouts,
    refuse_payout,
    refuse_unless_payable,
    send_payout,
)
from settlement.payments.operations.payout_account import (
    BankDetails,
    approve_payout_account,
    propose_payout_account,
    refuse_payout_account,
)
from settlement.payments.operations.payout_file import (
    ResultsImported,
    approve_payout_file,
    collect_payouts,
    download_payout_file,
    import_payout_results,
    refuse_payout_file,
)
from settlement.payments.operations.payout_schedule import choose_payout_schedule, pay_out_on_schedule
from settlement.payments.operations.reconcile import reconcile, resolve_difference, run_reconciliation

__all__ = [
    "BANK_LINE",
    "BankDetails",
    "Imported",
    "Place",
    "ResultsImported",
    "approve_manual_transfer",
    "approve_payout_account",
    "approve_payout_file",
    "ask_payout",
    "assign_bank_line",
    "choose_payout_schedule",
    "collect_payouts",
    "download_payout_file",
    "fail_payout",
    "import_bank_lines",
    "import_payout_results",
    "open_payout",
    "pay_out_on_schedule",
    "pay_payouts",
    "propose_manual_transfer",
    "propose_payout_account",
    "reconcile",
    "refuse_manual_transfer",
    "refuse_payout",
    "refuse_payout_account",
    "refuse_payout_file",
    "refuse_unless_payable",
    "resolve_difference",
    "run_reconciliation",
    "send_payout",
    "top_up_reference",
]
