"""The contracts' verbs: accept the master agreement, open contracts, pay them, tell their parties."""

from settlement.contracts.document import ContractDraft
from settlement.contracts.operations.agreements import accept_agreement, publish_agreement
from settlement.contracts.operations.open import open_contracts
from settlement.contracts.operations.pay import EscrowPayment, pay_from_escrow, write_returned
from settlement.contracts.operations.tell import tell_parties

__all__ = [
    "ContractDraft",
    "EscrowPayment",
    "accept_agreement",
    "open_contracts",
    "pay_from_escrow",
    "publish_agreement",
    "tell_parties",
    "write_returned",
]
