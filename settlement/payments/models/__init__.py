from settlement.payments.models.approval import Approval
from settlement.payments.models.bank_line import BankLine
from settlement.payments.models.manual_transfer import ManualTransfer
from settlement.payments.models.payout import Payout, PayoutFile, PayoutSchedule, PayoutSource, Rail
from settlement.payments.models.payout_account import PayoutAccount
from settlement.payments.models.reconciliation import Difference, Reconciled, Reconciliation
from settlement.payments.models.stripe_messages import StripeBalanceTransaction, StripeCall, StripeEvent
from settlement.payments.models.stripe_money_in import (
    CardRefund,
    CardTopUp,
    Chargeback,
    SavedCard,
    StripeCustomer,
)
from settlement.payments.models.stripe_money_out import StripeAccount, StripePayout

__all__ = [
    "Approval",
    "BankLine",
    "CardRefund",
    "CardTopUp",
    "Chargeback",
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
    "SavedCard",
    "StripeAccount",
    "StripeBalanceTransaction",
    "StripeCall",
    "StripeCustomer",
    "StripeEvent",
    "StripePayout",
]
