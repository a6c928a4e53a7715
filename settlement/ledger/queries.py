from dataclasses import dataclass

from accounts.models import Organisation
from settlement.ledger.models import Account, AccountKind, Currency


@dataclass(frozen=True)
class Balances:
    """An organisation's money, in fen."""

    available: int = 0
    held: int = 0
    escrow: int = 0
    receivable: int = 0

    @property
    def total(self) -> int:
        return self.available + self.held + self.escrow + self.receivable


def balance_of(organisation: Organisation, currency: Currency = Currency.CNY) -> Balances:
    rows = Account.objects.filter(organisation=organisation, currency=currency)
    return Balances(**{AccountKind(kind).value: fen for kind, fen in rows.values_list("kind", "balance")})
