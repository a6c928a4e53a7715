"""The past cannot be rewritten: first without the trigger, then with it."""

import pytest
from django.db import Error, transaction

from settlement.contracts.operations import open_contracts
from settlement.delivery.operations import release
from settlement.ledger.operations import seal_transfers
from tests.factories.listings import PoolFactory
from tests.factories.settlement import HOUR, compute_draft, meter
from tests.settlement.triggers import drop_trigger, run

pytestmark = pytest.mark.django_db

FORBIDDEN = [
    ("ledger_entry", "append_only", "UPDATE ledger_entry SET balance_after = balance_after + 1"),
    ("ledger_entry", "append_only", "DELETE FROM ledger_entry"),
    ("ledger_transfer", "immutable", "UPDATE ledger_transfer SET memo = 'forged' WHERE position IS NULL"),
    ("ledger_transfer", "sealed_once", "UPDATE ledger_transfer SET sha256 = 'f' WHERE position = 1"),
    ("ledger_hold", "resolved_once", "UPDATE ledger_hold SET posted = posted - 1"),
    ("contracts_contract", "terms_never_change", "UPDATE contracts_contract SET document = '{}'"),
    ("delivery_delivery", "append_only", "UPDATE delivery_delivery SET fee = 0"),
    ("delivery_delivery", "append_only", "DELETE FROM delivery_delivery"),
    ("delivery_usagerecord", "append_only", "UPDATE delivery_usagerecord SET delivered_seconds = 0"),
    ("delivery_usagerecord", "append_only", "DELETE FROM delivery_usagerecord"),
]
UNDELETABLE = ["ledger_transfer", "ledger_hold", "ledger_account", "contracts_contract"]


@pytest.fixture
def history(buyer, provider, fund, now) -> None:
    """Some of everything, all but the last transfer sealed."""
    fund(buyer, 6200)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=now)
    [contract] = open_contracts(drafts=[draft], now=now)
    seal_transfers()
    meter(contract, now=now + 2 * HOUR)
    release(now=now + 2 * HOUR)
    run("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(("table", "trigger", "forgery"), FORBIDDEN)
def test_forgery_works_without_the_trigger_and_not_with_it(history, table, trigger, forgery):
    with pytest.raises(Error, match=r"[Cc]annot (update|delete)"), transaction.atomic():
        run(forgery)
    drop_trigger(table, trigger)
    assert run(forgery) > 0


@pytest.mark.parametrize("table", UNDELETABLE)
def test_rows_cannot_be_deleted(history, table):
    with pytest.raises(Error, match="Cannot delete"), transaction.atomic():
        run(f"DELETE FROM {table}")


@pytest.mark.parametrize("table", ["ledger_transfer", "ledger_entry"])
def test_the_ledger_cannot_be_emptied(history, table):
    run(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
    with pytest.raises(Error, match=f"{table} is append-only"), transaction.atomic():
        run(f"TRUNCATE {table} CASCADE")
