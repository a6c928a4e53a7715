"""Wait until nothing moves on one of the platform's accounts, and keep it so."""

from settlement.ledger.models import Account, AccountKind, Currency


def hold_still(kind: AccountKind, currency: Currency) -> None:
    """Lock the account as `ledger_post` does: what moves its money commits before, or waits.

    Who writes the lines that it is held against takes it too, so that a reconciliation has seen every line
    up to the last that it saw.
    """
    rows = Account.objects.filter(organisation=None, kind=kind, currency=currency).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
