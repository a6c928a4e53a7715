import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from settlement.ledger.check import differences
from settlement.ledger.operations import place_hold, seal_transfers
from settlement.ledger.queries import Head, chain_head
from tests.settlement.triggers import run


@pytest.fixture
def history(db, buyer, stranger, fund, now) -> None:
    fund(buyer, 1000)
    fund(stranger.organisation, 500)
    place_hold(organisation=buyer, amount=300, source="bid", source_id="1", expires_at=None, now=now)
    seal_transfers()
    fund(buyer, 7)


def forge(sql: str) -> None:
    """What an attacker with the superuser's rights could do: no trigger fires."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET session_replication_role = replica")
    assert run(sql) > 0
    run("SET session_replication_role = DEFAULT")


def test_an_honest_ledger_has_no_difference(history):
    assert list(differences()) == []


@pytest.mark.parametrize(
    ("forgery", "sentence"),
    [
        (
            "UPDATE ledger_account SET balance = balance + 1 WHERE kind = 'available'",
            "row says 708 at version 3",
        ),
        ("UPDATE ledger_account SET version = 9 WHERE kind = 'held' AND balance > 0", "at version 9"),
        ("UPDATE ledger_entry SET amount = 301 WHERE amount = 300", "sums to 1 CNY, not to zero"),
        ("UPDATE ledger_entry SET balance_after = 5 WHERE amount = 7", "stands at 5 at version 3"),
        ("DELETE FROM ledger_entry WHERE amount = 7", "fewer than two entries"),
        ("DELETE FROM ledger_entry WHERE version = 1", "from version 0 to 2"),
        (
            "UPDATE ledger_hold SET status = 'voided', resolved_at = now()",
            "holds 300; its pending holds say 0",
        ),
        (
            "UPDATE ledger_transfer SET memo = 'forged' WHERE position = 2",
            "at position 2, is not what was sealed",
        ),
        ("UPDATE ledger_transfer SET posted_at = now() WHERE position = 1", "at position 1, is not what was"),
        ("UPDATE ledger_transfer SET position = 9 WHERE position = 3", "from position 2 to 9"),
    ],
)
def test_each_kind_of_tampering_is_found(history, forgery, sentence):
    forge(forgery)
    assert any(sentence in difference for difference in differences())


def test_a_consistent_forgery_is_found_by_the_published_head(history):
    """Who rewrites the last transfer, its entries and its seal leaves a chain that agrees with itself."""
    published = chain_head()
    forge("UPDATE ledger_transfer SET memo = 'forged', position = NULL WHERE position = 3")
    seal_transfers()
    assert list(differences()) == []
    assert list(differences(published)) == ["The published head at position 3 is not in the chain."]


def test_a_chain_cut_short_is_found_by_the_published_head(history):
    published = chain_head()
    forge("UPDATE ledger_transfer SET position = NULL WHERE position = 3")
    assert list(differences(published)) == ["The chain ends at position 2, before the published head at 3."]


def test_sealing_goes_on_from_the_head_and_ends(history):
    assert chain_head().position == 3
    assert [seal_transfers(), seal_transfers()] == [1, 0]
    assert chain_head().position == 4
    assert list(differences()) == []


@pytest.mark.django_db(transaction=True)
def test_the_command_exits_1_at_the_first_difference(buyer, fund, now, capsys):
    fund(buyer, 1000)
    seal_transfers()
    call_command("check_ledger")
    head = chain_head()
    assert f"head 1:{head.sha256}" in capsys.readouterr().out
    call_command("check_ledger", head=Head(1, head.sha256))
    run("UPDATE ledger_account SET balance = balance + 1 WHERE kind = 'available'")
    with pytest.raises(CommandError, match="row says 1001") as stop:
        call_command("check_ledger")
    assert stop.value.returncode == 1
    assert not connection.in_atomic_block
