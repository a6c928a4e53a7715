"""Outside a transaction a transfer is committed before it is durable, and told after: no crash undoes it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import IntegrityError, connection

from settlement.ledger.check import differences
from settlement.ledger.errors import InsufficientFunds, KeyUsedForAnotherBody
from settlement.ledger.models import AccountKind, Transfer, TransferKind
from settlement.ledger.operations import Posting, open_accounts, platform_account, post_transfer
from settlement.ledger.queries import Balances, balance_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def post(transactional_db, buyer, now):
    bank = platform_account(kind=AccountKind.BANK).shard_for("")
    available = open_accounts(organisation=buyer)[AccountKind.AVAILABLE]

    def post(amount: int, *, key: str = "one", back: int | None = None, memo: str = "") -> Transfer:
        assert not connection.in_atomic_block
        lines = [Posting(bank, -amount), Posting(available, amount if back is None else back)]
        return post_transfer(
            kind=TransferKind.TOP_UP, source="test", source_id=key, postings=lines, memo=memo, now=now
        )

    return post


def test_a_replay_and_every_refusal_are_as_inside_a_transaction(post, buyer):
    first = post(100)
    assert post(100) == first
    with pytest.raises(KeyUsedForAnotherBody):
        post(101)
    with pytest.raises(InsufficientFunds) as refusal:
        post(-130, key="two")
    assert refusal.value.missing == 30
    with pytest.raises(IntegrityError, match="sum to zero"):
        post(7, key="three", back=6)
    assert balance_of(buyer) == Balances(available=100)
    assert Transfer.objects.count() == 1
    assert list(differences()) == []


@pytest.mark.parametrize(
    "memo", ['a "quoted" word', "back\\slash \\", "{1,2}", "NULL", "算盘, 元", "", "'; --"]
)
def test_whatever_is_written_is_what_was_said(post, memo):
    transfer = post(5, key=memo or "empty", memo=memo)
    stored = Transfer.objects.get(pk=transfer.pk)
    assert (stored.memo, stored.source_id) == (memo, memo or "empty")


def test_the_sessions_own_commits_stay_synchronous(post):
    post(5)
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


def test_a_transfer_survives_the_servers_sudden_death_and_only_for_the_message_it_waits_for(tmp_path):
    """On a server of its own, which is killed as soon as the transfer is told, with the guard and without."""
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    crash = subprocess.run(
        [sys.executable, "-m", "tests.settlement.sudden_death"],
        cwd=ROOT,
        env=kept | {"SUANPAN_DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert crash.returncode == 0, crash.stderr
    assert crash.stdout.splitlines()[-2:] == ["guarded: True", "unguarded: False"]
