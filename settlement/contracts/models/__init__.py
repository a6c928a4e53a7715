"""The terms that a trade fixes between two parties, the agreement they rest on, and how they end early."""

from settlement.contracts.models.contract import RUNNING, Contract
from settlement.contracts.models.master_agreement import Acceptance, MasterAgreement
from settlement.contracts.models.signing_key import SigningKey
from settlement.contracts.models.termination import Ground, Termination, TerminationProposal

__all__ = [
    "RUNNING",
    "Acceptance",
    "Contract",
    "Ground",
    "MasterAgreement",
    "SigningKey",
    "Termination",
    "TerminationProposal",
]
