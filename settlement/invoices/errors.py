from accounts.errors import DomainError, InvalidInput


class BadInvoiceProfile(InvalidInput):
    """A field of the invoice profile cannot be used; `field` names it."""

    code = "invalid_invoice_profile"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class FapiaoRefused(DomainError):
    """No fapiao can be asked for, or entered, for this invoice as it stands."""

    code = "fapiao_refused"
