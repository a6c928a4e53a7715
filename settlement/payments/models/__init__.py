from settlement.payments.models.approval import Approval
from settlement.payments.models.bank_line import BankLine
from settlement.payments.models.manual_transfer import ManualTransfer
from settlement.payments.models.payout import Payout, PayoutFile, PayoutSchedule, PayoutSource, Rail
from settlement.payments.models.payout_account import PayoutAccount
from settlement.payments.models.reconciliation import Difference, Reconciled, Reconciliation

__all__ = [
    "Approval",
    "BankLine",
    "Difference",
    "ManualTransfer",
    "Payout",
    "PayoutAccount",
    "PayoutFile",
    "PayoutSchedule",
    "PayoutSource",
    "Rail",
    "Reconciled",
    "Reconciliation",
]
