"""Prove the ledger from its entries alone: balances, sums, holds, and the hash chain."""

from collections.abc import Iterator

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from settlement.ledger.chain import links
from settlement.ledger.models import Account, AccountKind, Entry, Hold, Transfer
from settlement.ledger.queries import Head


def differences(published: Head | None = None) -> Iterator[str]:
    """A sentence for each place where the ledger does not agree with itself, or with a published head."""
    yield from _transfers()
    yield from _balances()
    yield from _holds()
    yield from _chain(published)


def _transfers() -> Iterator[str]:
    few = Transfer.objects.annotate(count=Count("entries")).filter(count__lt=2)
    for pk in few.order_by("pk").values_list("pk", flat=True):
        yield f"Transfer {pk} has fewer than two entries."
    sums = Entry.objects.values("transfer", "account__currency").annotate(sum=Sum("amount"))
    for row in sums.exclude(sum=0).order_by("transfer"):
        yield f"Transfer {row['transfer']} sums to {row['sum']} {row['account__currency']}, not to zero."


def _balances() -> Iterator[str]:
    accounts = {pk: (balance, version) for pk, balance, version in _account_rows()}
    reached: dict[int, tuple[int, int]] = dict.fromkeys(accounts, (0, 0))
    rows = Entry.objects.order_by("account", "version")
    for account, amount, after, version in rows.values_list(
        "account_id", "amount", "balance_after", "version"
    ).iterator(chunk_size=10_000):
        balance, last = reached[account]
        if version != last + 1:
            yield f"Account {account} goes from version {last} to {version}."
        expected = balance + amount
        if after != expected:
            yield f"Account {account} stands at {after} at version {version}; its entries say {expected}."
        reached[account] = expected, version
    for account, row in accounts.items():
        if row != reached[account]:
            yield (
                f"Account {account}'s row says {row[0]} at version {row[1]};"
                f" its entries say {reached[account][0]} at version {reached[account][1]}."
            )


def _account_rows() -> Iterator[tuple[int, int, int]]:
    return Account.objects.order_by("pk").values_list("pk", "balance", "version").iterator()


def _holds() -> Iterator[str]:
    pending = {
        row["organisation"]: row["sum"]
        for row in Hold.objects.pending().values("organisation").annotate(sum=Sum("amount"))
    }
    held = Account.objects.filter(kind=AccountKind.HELD).values("organisation")
    for row in held.annotate(sum=Coalesce(Sum("balance"), 0)).order_by("organisation"):
        expected = pending.get(row["organisation"], 0)
        if row["sum"] != expected:
            yield f"Organisation {row['organisation']} holds {row['sum']}; its pending holds say {expected}."


def _chain(published: Head | None) -> Iterator[str]:
    position = 0
    sealed = Transfer.objects.filter(position__isnull=False).order_by("position")
    for transfer, sha256 in links(sealed, previous=""):
        position += 1
        if transfer.position != position:
            yield f"The chain goes from position {position - 1} to {transfer.position}."
            return
        if transfer.sha256 != sha256:
            yield f"Transfer {transfer.pk}, at position {position}, is not what was sealed."
            return
        if published and published.position == position and published.sha256 != sha256:
            yield f"The published head at position {position} is not in the chain."
            return
    if published and published.position > position:
        yield f"The chain ends at position {position}, before the published head at {published.position}."
