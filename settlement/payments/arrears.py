"""What organisations owe after a chargeback, and what they may not do until it is paid."""

from django.utils.translation import gettext as _

from accounts.models import Organisation
from settlement.ledger.models import Account, AccountKind, Currency
from settlement.money import show_amount
from settlement.payments.errors import InArrears


def arrears_of(organisation: Organisation) -> dict[Currency, int]:
    """What it owes, in fen, by currency; empty where it owes nothing."""
    owing = Account.objects.filter(organisation=organisation, kind=AccountKind.ARREARS, balance__lt=0)
    return {Currency(code): -balance for code, balance in owing.values_list("currency", "balance")}


def organisations_in_arrears() -> set[int]:
    owing = Account.objects.filter(kind=AccountKind.ARREARS, balance__lt=0)
    return {pk for pk in owing.values_list("organisation_id", flat=True) if pk is not None}


def require_no_arrears(organisation: Organisation) -> None:
    """Until what it owes is paid it neither orders nor is paid out. Raises InArrears, saying how much."""
    owed = arrears_of(organisation)
    if owed:
        amounts = ", ".join(show_amount(fen, currency) for currency, fen in sorted(owed.items()))
        raise InArrears(
            _("Your organisation owes %(amount)s after a chargeback. Top up: it is paid first.")
            % {"amount": amounts}
        )
