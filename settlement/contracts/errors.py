from accounts.errors import DomainError


class ContractRefused(DomainError):
    """The draft cannot become a contract; the sentence says which part does not fit."""

    code = "contract_refused"


class EscrowExceeded(DomainError):
    """A payment would take more out of a contract's escrow than is in it."""

    code = "escrow_exceeded"
