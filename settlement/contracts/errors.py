from accounts.errors import DomainError


class ContractRefused(DomainError):
    """The draft cannot become a contract; the sentence says which part does not fit."""

    code = "contract_refused"


class EscrowExceeded(DomainError):
    """A payment would take more out of a contract's escrow than is in it."""

    code = "escrow_exceeded"


class NotAccepted(DomainError):
    """The organisation has not accepted a valid version of the master agreement, so it may not trade."""

    code = "agreement_not_accepted"
    status = 403


class AgreementReplaced(DomainError):
    """What the organisation read is not the current version of the master agreement."""

    code = "agreement_replaced"


class AcceptanceRefused(DomainError):
    """The buyer cannot accept the licence any more, or not yet; the sentence says why."""

    code = "acceptance_refused"


class TerminationRefused(DomainError):
    """The contract cannot be ended so; the sentence says why."""

    code = "termination_refused"
