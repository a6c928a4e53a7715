"""The contracts' verbs: open them, pay out of their escrow."""

from settlement.contracts.document import ContractDraft
from settlement.contracts.operations.open import open_contracts
from settlement.contracts.operations.pay import EscrowPayment, pay_from_escrow, write_returned

__all__ = ["ContractDraft", "EscrowPayment", "open_contracts", "pay_from_escrow", "write_returned"]
