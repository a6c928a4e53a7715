"""Open accounts, and find them: what does not exist yet is opened on first need."""

import zlib
from collections.abc import Iterable, Mapping

from accounts.models import Organisation
from settlement.ledger.models import (
    KINDS,
    ORGANISATION_KINDS,
    Account,
    AccountKind,
    Currency,
)


def open_accounts(*, organisation: Organisation, currency: Currency = Currency.CNY) -> dict[AccountKind, int]:
    """The organisation's accounts by kind, opened where they were not; may run twice without harm."""
    ids = accounts_of(organisation_ids=[organisation.pk], currency=currency)
    return {kind: ids[organisation.pk, kind] for kind in ORGANISATION_KINDS}


def accounts_of(
    *, organisation_ids: Iterable[int], currency: Currency = Currency.CNY
) -> Mapping[tuple[int, AccountKind], int]:
    """The accounts' ids by organisation and kind."""
    wanted = set(organisation_ids)
    found = _found(wanted, currency)
    missing = [
        Account(organisation_id=organisation, kind=kind, currency=currency)
        for organisation in sorted(wanted)
        for kind in ORGANISATION_KINDS
        if (organisation, kind) not in found
    ]
    if missing:
        Account.objects.bulk_create(missing, ignore_conflicts=True)
        found = _found(wanted, currency)
    return found


def _found(organisation_ids: set[int], currency: Currency) -> dict[tuple[int, AccountKind], int]:
    rows = Account.objects.filter(organisation__in=organisation_ids, currency=currency)
    return {
        (organisation, AccountKind(kind)): pk
        for pk, organisation, kind in rows.values_list("pk", "organisation_id", "kind")
        if organisation is not None
    }


def numbered_account(
    *, organisation: Organisation, kind: AccountKind, number: int, currency: Currency = Currency.CNY
) -> int:
    """The id of the account that the organisation keeps apart under this number, opened where it was not."""
    account, _ = Account.objects.get_or_create(
        organisation=organisation, kind=kind, currency=currency, shard=number
    )
    return account.pk


class PlatformAccount:
    """A platform's account; a key picks the shard, always the same one, so that a replay is the same body."""

    def __init__(self, shards: list[int]) -> None:
        self._shards = shards

    def shard_for(self, key: str) -> int:
        return self._shards[zlib.crc32(key.encode()) % len(self._shards)]


def platform_account(*, kind: AccountKind, currency: Currency = Currency.CNY) -> PlatformAccount:
    shards = _shards(kind, currency)
    if len(shards) < KINDS[kind].shards:
        Account.objects.bulk_create(
            [Account(kind=kind, currency=currency, shard=shard) for shard in range(KINDS[kind].shards)],
            ignore_conflicts=True,
        )
        shards = _shards(kind, currency)
    return PlatformAccount(shards)


def _shards(kind: AccountKind, currency: Currency) -> list[int]:
    rows = Account.objects.filter(organisation=None, kind=kind, currency=currency).order_by("shard")
    return list(rows.values_list("pk", flat=True))
