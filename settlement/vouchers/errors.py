from accounts.errors import DomainError


class ProgrammeRefused(DomainError):
    """The programme, an application to it, or a voucher of it, does not allow this now."""

    code = "programme_refused"


class VoucherRefused(DomainError):
    """The voucher cannot pay for this order; the sentence says what to change."""

    code = "voucher_refused"
