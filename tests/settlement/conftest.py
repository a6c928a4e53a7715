import datetime

import pytest

from accounts.models import Organisation
from settlement.ledger.models import AccountKind, TransferKind
from settlement.ledger.operations import Posting, open_accounts, platform_account, post_transfer


@pytest.fixture
def fund(now: datetime.datetime):
    """Bring money in from the bank: `fund(organisation, fen)`."""
    count = iter(range(1_000_000))

    def bring(organisation: Organisation, fen: int) -> None:
        key = f"{organisation.pk}-{next(count)}"
        bank = platform_account(kind=AccountKind.BANK).shard_for(key)
        available = open_accounts(organisation=organisation)[AccountKind.AVAILABLE]
        post_transfer(
            kind=TransferKind.TOP_UP,
            source="test",
            source_id=key,
            postings=[Posting(bank, -fen), Posting(available, fen)],
            now=now,
        )

    return bring
