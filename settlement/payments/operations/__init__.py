"""The rails' verbs: money comes in, and goes out."""

from settlement.payments.operations.arrears import collect_arrears, pay_arrears
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
from settlement.payments.operations.stripe_accounts import onboarding_page, refresh_account
from settlement.payments.operations.stripe_customers import add_card_page, remove_card
from settlement.payments.operations.stripe_events import (
    catch_up,
    make_due_calls,
    make_stripe_call,
    process_due_events,
    process_event,
    receive_event,
)
from settlement.payments.operations.stripe_payouts import ask_stripe_payout, begin_stripe_payouts
from settlement.payments.operations.stripe_refunds import ask_refund
from settlement.payments.operations.stripe_top_ups import (
    charge_saved_card,
    refresh_top_up,
    start_card_top_up,
)

__all__ = [
    "BANK_LINE",
    "BankDetails",
    "Imported",
    "Place",
    "ResultsImported",
    "add_card_page",
    "approve_manual_transfer",
    "approve_payout_account",
    "approve_payout_file",
    "ask_payout",
    "ask_refund",
    "ask_stripe_payout",
    "assign_bank_line",
    "begin_stripe_payouts",
    "catch_up",
    "charge_saved_card",
    "choose_payout_schedule",
    "collect_arrears",
    "collect_payouts",
    "download_payout_file",
    "fail_payout",
    "import_bank_lines",
    "import_payout_results",
    "make_due_calls",
    "make_stripe_call",
    "onboarding_page",
    "open_payout",
    "pay_arrears",
    "pay_out_on_schedule",
    "pay_payouts",
    "process_due_events",
    "process_event",
    "propose_manual_transfer",
    "propose_payout_account",
    "receive_event",
    "reconcile",
    "refresh_account",
    "refresh_top_up",
    "refuse_manual_transfer",
    "refuse_payout",
    "refuse_payout_account",
    "refuse_payout_file",
    "refuse_unless_payable",
    "remove_card",
    "resolve_difference",
    "run_reconciliation",
    "send_payout",
    "start_card_top_up",
    "top_up_reference",
]
