"""Stripe's messages: signed, stored once, processed in any order and any number of times."""

import random
import re

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from settlement.ledger.check import differences
from settlement.ledger.models import Account, AccountKind, Transfer, TransferKind
from settlement.ledger.operations import place_hold
from settlement.ledger.queries import Balances, balance_of
from settlement.payments import operations
from settlement.payments.models import StripeBalanceTransaction, StripeEvent
from tests.factories.accounts import OrganisationFactory
from tests.settlement.triggers import drop_constraint, run

pytestmark = pytest.mark.django_db


def post(world, body: bytes, signature: str):
    return Client().post(
        "/stripe/webhook/", body, content_type="application/json", HTTP_STRIPE_SIGNATURE=signature
    )


def paid_event(world, buyer):
    started = world.start(buyer)
    world.stripe.cards.complete(started.session_id)
    return next(e for e in world.stripe.fresh_events() if e["type"] == "payment_intent.succeeded")


# The door


def test_what_stripe_did_not_sign_is_refused_and_not_stored(world, buyer):
    event = paid_event(world, buyer)
    body, signature = world.stripe.signed(event)
    for wrong in (
        world.stripe.signed(event, secret="whsec_other"),
        world.stripe.signed(event, age=3_600),
        (body.replace(b"100000", b"900000"), signature),
        (body, ""),
        (b"\xff\xfe", signature),
    ):
        assert post(world, *wrong).status_code == 400
    assert not StripeEvent.objects.exists()
    assert Client().get("/stripe/webhook/").status_code == 405


def test_what_is_signed_and_no_event_is_refused(world):
    for body in ({"id": "evt_1"}, {"id": "evt_1", "type": "x", "data": {}}):
        assert post(world, *world.stripe.signed(body)).status_code == 400
    assert not StripeEvent.objects.exists()


def test_without_keys_there_is_no_door(world, settings):
    settings.STRIPE_WEBHOOK_SECRET = ""
    assert post(world, b"{}", "").status_code == 404


def test_a_message_is_stored_as_it_came_before_anything_else(world, buyer):
    body, signature = world.stripe.signed(paid_event(world, buyer))
    for _ in range(3):
        assert post(world, body, signature).status_code == 200
    [stored] = StripeEvent.objects.all()
    assert stored.body == body.decode()
    assert (stored.processed_at, balance_of(buyer)) == (None, Balances())
    world.sweep()
    assert balance_of(buyer) == Balances(available=100_000)


def test_the_object_is_fetched_anew_whatever_the_message_says(world, buyer):
    event = paid_event(world, buyer)
    event["data"]["object"]["amount_received"] = 9_900_000
    event["data"]["object"]["status"] = "processing"
    world.stripe.deliver(world.webhook, [event])
    world.sweep()
    assert balance_of(buyer) == Balances(available=100_000)


def test_while_stripe_is_silent_the_message_waits_longer_and_longer(world, buyer):
    event = paid_event(world, buyer)
    world.stripe.deliver(world.webhook, [event])
    world.stripe.errors_next = 2
    for attempt in (1, 2):
        world.sweep()
        stored = StripeEvent.objects.get()
        assert (stored.attempts, stored.processed_at) == (attempt, None)
        assert "APIError" in stored.last_error
        world.now = stored.due_at
    world.sweep()
    assert world.waiting() == 0
    assert balance_of(buyer) == Balances(available=100_000)


def test_a_worker_that_dies_over_a_message_leaves_it_to_the_next(world, buyer, monkeypatch):
    world.stripe.deliver(world.webhook, [paid_event(world, buyer)])

    def die(*_):
        raise SystemExit("killed")

    with monkeypatch.context() as killed:
        killed.setattr("settlement.payments.operations.stripe_events._sync", die)
        with pytest.raises(SystemExit):
            world.sweep()
    world.sweep()
    assert world.waiting() == 1  # It is the dead worker's for some minutes more.
    world.later(minutes=6)
    world.sweep()
    assert balance_of(buyer) == Balances(available=100_000)


def test_events_whose_webhook_never_came_are_caught_up_with(world, buyer):
    paid_event(world, buyer)
    operations.catch_up(now=world.now)
    operations.catch_up(now=world.now)
    world.sweep()
    assert balance_of(buyer) == Balances(available=100_000)
    world.hear(times=2, seed=1)
    assert balance_of(buyer) == Balances(available=100_000)


def test_what_moved_at_stripe_is_stored_once_for_the_reconciliation(world, buyer):
    top_up = world.top_up(buyer)
    operations.catch_up(now=world.now)
    world.stripe.cards.open_dispute(top_up.payment_intent_id)
    world.hear()
    operations.catch_up(now=world.now)
    rows = StripeBalanceTransaction.objects.filter(currency="CNY")
    assert sorted(rows.values_list("kind", flat=True)) == ["adjustment", "charge"]
    assert rows.get(kind="charge").source == top_up.charge_id
    assert sum(rows.values_list("net", flat=True)) == -world.fen(AccountKind.STRIPE)


# Any order, any number of times


def eventful_month(world):
    """A month's events, none of them heard yet: top-ups, refunds, chargebacks lost and won, a saved card."""
    buyers = OrganisationFactory.create_batch(2)
    for place, buyer in enumerate(buyers):
        first = world.top_up(buyer, 100_000 + place)
        place_hold(
            organisation=buyer,
            amount=90_000,
            source="test",
            source_id=str(buyer.pk),
            expires_at=None,
            now=world.now,
        )
        second = world.start(buyer, 40_000, save_card=True)
        world.stripe.cards.complete(second.session_id)
        world.stripe.cards.create_refund({"payment_intent": first.payment_intent_id, "amount": "3000"})
        lost = world.stripe.cards.open_dispute(first.payment_intent_id)
        world.stripe.cards.lose_dispute(lost["id"])
        session = world.stripe.books.get("checkout.session", second.session_id)
        won = world.stripe.cards.open_dispute(session["payment_intent"], amount=25_000)
        world.stripe.cards.win_dispute(won["id"])
    return world.stripe.fresh_events()


def ledger() -> tuple[list, list]:
    """All balances; and all transfers but how arrears came and went, which depends on the order of things."""
    balances = list(Account.objects.exclude(balance=0).order_by("pk").values_list("pk", "balance"))
    moved = Transfer.objects.exclude(kind=TransferKind.ARREARS_PAID)
    return balances, sorted(moved.values_list("kind", "source"))


def test_each_event_three_times_in_any_order_ends_in_the_same_ledger(world):
    events = eventful_month(world)
    assert len({event["type"] for event in events}) >= 11
    reached = []
    for seed in range(6):
        savepoint = connection.savepoint()
        queue = events * 3
        random.Random(seed).shuffle(queue)
        if seed == 0:
            queue = events
        for start in range(0, len(queue), 7):  # Some are processed before others have come.
            world.stripe.deliver(world.webhook, queue[start : start + 7])
            world.sweep()
        assert world.waiting() == 0
        assert world.agrees_with_stripe()
        assert list(differences()) == []
        reached.append(ledger())
        connection.savepoint_rollback(savepoint)
    assert reached.count(reached[0]) == len(reached)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_permutation_books_a_payment_its_refund_and_its_chargeback_once(world, data):
    savepoint = connection.savepoint()
    buyer = OrganisationFactory()
    top_up = world.top_up(buyer)
    world.stripe.cards.create_refund({"payment_intent": top_up.payment_intent_id, "amount": "30000"})
    dispute = world.stripe.cards.open_dispute(top_up.payment_intent_id)
    if data.draw(st.booleans(), label="won"):
        world.stripe.cards.win_dispute(dispute["id"])
        left = 70_000
    else:
        left = 0
    events = world.stripe.fresh_events()
    queue = data.draw(st.permutations(events * 2), label="order")
    cut = data.draw(st.integers(0, len(queue)), label="processed after")
    world.stripe.deliver(world.webhook, queue[:cut])
    world.sweep()
    world.stripe.deliver(world.webhook, queue[cut:])
    world.sweep()
    assert balance_of(buyer) == Balances(available=left)
    connection.savepoint_rollback(savepoint)


# The guards, taken away


def without_the_ledgers_key():
    """`ledger_post_one` as it would be, were a transfer's key not unique."""
    drop_constraint("ledger_transfer", "transfer_once")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('ledger_post_one'::regproc)")
        [source] = cursor.fetchone()
        naive, count = re.subn(r"ON CONFLICT ON CONSTRAINT transfer_once DO NOTHING", "", source)
        assert count == 1
        cursor.execute(naive)
    run("SET CONSTRAINTS ALL DEFERRED")


def test_with_the_ledgers_key_gone_each_event_of_a_payment_credits_it_again(world, buyer):
    without_the_ledgers_key()
    started = world.start(buyer)
    world.stripe.cards.complete(started.session_id)
    events = world.stripe.fresh_events()
    world.stripe.deliver(world.webhook, events)
    world.sweep()
    assert len(events) == 4
    assert balance_of(buyer).available == 400_000


def test_with_the_events_key_gone_a_message_is_stored_and_processed_as_often_as_it_comes(world, buyer):
    event = paid_event(world, buyer)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'payments_stripeevent'::regclass"
            " AND contype = 'u'"
        )
        [(name,)] = cursor.fetchall()
    drop_constraint("payments_stripeevent", name)
    run("SET CONSTRAINTS ALL DEFERRED")
    world.stripe.deliver(world.webhook, [event], times=2)
    world.sweep()
    assert StripeEvent.objects.count() == 2
    assert balance_of(buyer).available == 100_000  # The ledger's key still stands behind it.
    without_the_ledgers_key()
    world.stripe.deliver(world.webhook, [event], times=2)
    world.sweep()
    assert balance_of(buyer).available > 200_000


def test_what_came_is_never_rewritten(world, buyer):
    world.stripe.deliver(world.webhook, [paid_event(world, buyer)])
    for change in ("body = '{}'", "event_id = 'evt_other'", "object_id = 'pi_other'"):
        savepoint = connection.savepoint()
        with pytest.raises(Exception, match="Cannot update"):
            run(f"UPDATE payments_stripeevent SET {change}")
        connection.savepoint_rollback(savepoint)
    savepoint = connection.savepoint()
    with pytest.raises(Exception, match="Cannot delete"):
        run("DELETE FROM payments_stripeevent")
    connection.savepoint_rollback(savepoint)
