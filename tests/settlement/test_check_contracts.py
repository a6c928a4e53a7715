import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from settlement.contracts.check import differences
from settlement.contracts.models import Contract
from settlement.contracts.operations import open_contracts
from settlement.contracts.operations.pay import EscrowPayment, pay_from_escrow
from tests.factories.listings import PoolFactory
from tests.factories.settlement import compute_draft
from tests.settlement.triggers import run


@pytest.fixture
def history(db, buyer, provider, fund, now) -> list[Contract]:
    """Three contracts of 6,200 fen: one untouched, one partly paid and credited, one paid in full."""
    fund(buyer, 100_000)
    pool = PoolFactory(facility__provider=provider)
    drafts = [compute_draft(buyer, pool, now=now, number=number) for number in (1, 2, 3)]
    contracts = open_contracts(drafts=drafts, now=now)
    _, second, third = contracts
    pay_from_escrow(
        payments=[
            EscrowPayment(second.pk, "one", provider=2000, fee=40),
            EscrowPayment(second.pk, "two", provider=1000, fee=20, buyer=1400),
            EscrowPayment(third.pk, "all", provider=6200, fee=124, settled_until=third.ends_at),
        ],
        now=now,
    )
    return contracts


def forge(sql: str) -> None:
    """What an attacker with the superuser's rights could do: no trigger fires."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET session_replication_role = replica")
    assert run(sql) > 0
    run("SET session_replication_role = DEFAULT")


def test_honest_contracts_have_no_difference(history):
    assert list(differences()) == []
    assert [each.escrow for each in Contract.objects.order_by("position")] == [6200, 1800, 0]


FIRST = "WHERE position = 1"
SECOND = "WHERE position = 2"
ESCROW = "(SELECT id FROM ledger_account WHERE kind = 'escrow' AND balance > 0)"


@pytest.mark.parametrize(
    ("forgery", "sentence"),
    [
        (
            f"UPDATE contracts_contract SET document = replace(document, '1200', '1100') {SECOND}",
            "000002's document is not what was hashed",
        ),
        (
            f"UPDATE contracts_contract SET total = 9000 {FIRST}",
            "000001's row does not say what its document",
        ),
        (
            f"UPDATE contracts_contract SET number = 'SP-1' {FIRST}",
            "SP-1's row does not say what its document",
        ),
        (
            f"UPDATE contracts_contract SET previous_sha256 = repeat('0', 64) {SECOND}",
            "000002 does not follow the contract at position 1",
        ),
        ("UPDATE contracts_contract SET position = 9 WHERE position = 3", "goes from position 2 to 9"),
        (
            "UPDATE contracts_contract c SET signature = other.signature FROM contracts_contract other"
            " WHERE c.position = 1 AND other.position = 2",
            "000001's signature does not hold",
        ),
        (
            f"UPDATE contracts_contract SET signature = '', signed_with_id = NULL {SECOND}",
            "000002's signature does not hold",
        ),
        (
            f"UPDATE contracts_contract SET escrow = escrow + 1 {SECOND}",
            "000002 has 1801 in escrow; the ledger's entries say 1800",
        ),
        (
            f"UPDATE ledger_entry SET amount = amount - 5 WHERE amount = -2000 AND account_id = {ESCROW}",
            "000002 has 1800 in escrow; the ledger's entries say 1795",
        ),
        (
            f"UPDATE ledger_account SET balance = balance + 7 WHERE id = {ESCROW}",
            "has 8007 in escrow; its contracts say 8000",
        ),
    ],
)
def test_each_kind_of_tampering_is_found(history, forgery, sentence):
    forge(forgery)
    assert any(sentence in difference for difference in differences())


def test_a_document_forged_with_its_hash_is_found_by_its_signature(history):
    forge(
        "UPDATE contracts_contract SET document = forged, sha256 = encode(sha256(forged::bytea), 'hex')"
        " FROM (SELECT id AS forged_id, replace(document, '900', '800') AS forged FROM contracts_contract"
        " WHERE position = 3) f WHERE id = forged_id"
    )
    assert list(differences()) == ["Contract SP-2026-000003's signature does not hold."]


def test_money_in_escrow_that_belongs_to_no_contract_is_found(history):
    forge("DELETE FROM contracts_contract WHERE position = 1")
    sentences = list(differences())
    assert any("has 8000 in escrow; its contracts say 1800" in each for each in sentences)


@pytest.mark.django_db(transaction=True)
def test_the_command_exits_1_at_the_first_difference(history, capsys):
    call_command("check_contracts")
    assert "3 contracts agree" in capsys.readouterr().out
    run(f"UPDATE contracts_contract SET escrow = escrow - 1 {SECOND}")
    with pytest.raises(CommandError, match="000002 has 1799 in escrow") as stop:
        call_command("check_contracts")
    assert stop.value.returncode == 1
    assert not connection.in_atomic_block
