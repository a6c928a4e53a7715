"""The stand-in answers the real SDK as Stripe would."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import stripe

from tests.stripe_standin import SECRET_KEY, WEBHOOK_SECRET, StandIn
from tests.stripe_standin.cards import ASKS_FOR_ITS_OWNER, DECLINED, DECLINED_LATER, fee_of


@pytest.fixture(scope="module")
def running() -> Iterator[StandIn]:
    with StandIn() as standin:
        yield standin


@pytest.fixture
def standin(running: StandIn) -> StandIn:
    running.fresh_events()
    running.books.balance_later = False
    return running


@pytest.fixture
def client(standin: StandIn) -> stripe.StripeClient:
    return stripe.StripeClient(SECRET_KEY, base_addresses={"api": standin.address}, max_network_retries=0)


@pytest.fixture
def customer(client):
    return client.v1.customers.create({"name": "算力有限公司"})


def card(client, customer, number="4242424242424242"):
    method = client.v1.payment_methods.create({"type": "card", "card": {"number": number}})
    return client.v1.payment_methods.attach(method.id, {"customer": customer.id})


def pay(client, customer, amount=10_000, number="4242424242424242", **changes):
    return client.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "cny",
            "customer": customer.id,
            "payment_method": card(client, customer, number).id,
            "confirm": True,
            **changes,
        }
    )


def kinds(standin) -> list[str]:
    return [event["type"] for event in standin.fresh_events()]


def test_a_payment_has_its_charge_and_its_balance_transaction_with_the_fee(standin, client, customer):
    paid = pay(client, customer, automatic_payment_methods={"enabled": True}, metadata={"a": "b"})
    assert (paid.status, paid.amount_received, paid.metadata["a"]) == ("succeeded", 10_000, "b")
    full = client.v1.payment_intents.retrieve(paid.id, {"expand": ["latest_charge.balance_transaction"]})
    booked = full.latest_charge.balance_transaction
    assert (booked.amount, booked.fee, booked.net) == (10_000, fee_of(10_000), 10_000 - fee_of(10_000))
    assert kinds(standin) == [
        "payment_method.attached",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


def test_a_balance_transaction_may_come_later(standin, client, customer):
    standin.books.balance_later = True
    paid = pay(client, customer)
    charge = client.v1.charges.retrieve(paid.latest_charge)
    assert charge.balance_transaction is None
    standin.cards.settle_balances()
    assert client.v1.charges.retrieve(charge.id).balance_transaction
    assert kinds(standin)[-1] == "charge.updated"


def test_a_payment_is_authorised_then_captured_or_cancelled(client, customer):
    held = pay(client, customer, capture_method="manual")
    assert (held.status, held.amount_capturable) == ("requires_capture", 10_000)
    taken = client.v1.payment_intents.capture(held.id, {"amount_to_capture": 4_000})
    assert (taken.status, taken.amount_received) == ("succeeded", 4_000)
    other = pay(client, customer, capture_method="manual")
    assert client.v1.payment_intents.cancel(other.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.capture(other.id)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (DECLINED, "card_declined"),
        (DECLINED_LATER, "card_declined"),
        (ASKS_FOR_ITS_OWNER, "authentication_required"),
    ],
)
def test_a_card_is_declined(standin, client, customer, number, code):
    with pytest.raises(stripe.CardError) as refusal:
        pay(client, customer, number=number, off_session=True)
    assert refusal.value.code == code
    payment = client.v1.payment_intents.retrieve(refusal.value.error.payment_intent.id)
    assert (payment.status, payment.last_payment_error.code) == ("requires_payment_method", code)
    assert kinds(standin)[-1] == "payment_intent.payment_failed"


def test_a_setup_intent_saves_a_card(standin, client, customer):
    method = client.v1.payment_methods.create({"type": "card", "card": {"number": "4242424242424242"}})
    setup = client.v1.setup_intents.create(
        {"customer": customer.id, "payment_method": method.id, "confirm": True}
    )
    assert setup.status == "succeeded"
    assert client.v1.payment_methods.retrieve(method.id).customer == customer.id
    [listed] = client.v1.payment_methods.list({"customer": customer.id}).data
    assert (listed.id, listed.card.last4) == (method.id, "4242")
    assert client.v1.payment_methods.detach(method.id).customer is None
    assert kinds(standin) == [
        "setup_intent.created",
        "setup_intent.succeeded",
        "payment_method.attached",
        "payment_method.detached",
    ]


def checkout(client, customer, **changes):
    price = {"currency": "hkd", "unit_amount": 5_000, "product_data": {"name": "Top-up"}}
    return client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "customer": customer.id,
            "line_items": [{"quantity": 2, "price_data": price}],
            "payment_intent_data": {"metadata": {"call": "k"}, "setup_future_usage": "off_session"},
            "success_url": "http://127.0.0.1:9/done",
            **changes,
        }
    )


def test_a_hosted_page_is_filled_in(standin, client, customer):
    session = checkout(client, customer)
    assert (session.status, session.amount_total, session.payment_intent) == ("open", 10_000, None)
    assert "10000 hkd" in urlopen(session.url).read().decode()
    refused = urlopen(Request(session.url, urlencode({"number": DECLINED}).encode())).read().decode()
    assert "Your card was declined." in refused
    standin.cards.complete(session.id)
    done = client.v1.checkout.sessions.retrieve(session.id)
    payment = client.v1.payment_intents.retrieve(done.payment_intent)
    assert (done.payment_status, payment.status, payment.metadata["call"]) == ("paid", "succeeded", "k")
    assert client.v1.payment_methods.retrieve(payment.payment_method).customer == customer.id
    assert kinds(standin)[-1] == "checkout.session.completed"


def test_a_refund_succeeds_and_fails_days_later(standin, client, customer):
    paid = pay(client, customer)
    refund = client.v1.refunds.create({"payment_intent": paid.id, "amount": 3_000})
    assert (refund.status, refund.charge) == ("succeeded", paid.latest_charge)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        client.v1.refunds.create({"payment_intent": paid.id, "amount": 7_001})
    standin.cards.fail_refund(refund.id)
    assert client.v1.refunds.retrieve(refund.id).status == "failed"
    assert client.v1.charges.retrieve(paid.latest_charge).amount_refunded == 0


def test_a_dispute_takes_the_money_and_gives_it_back_when_won(standin, client, customer):
    paid = pay(client, customer)
    before = standin.books.balance("cny")
    dispute = standin.cards.open_dispute(paid.id)
    assert standin.books.balance("cny") == before - 11_500
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        client.v1.refunds.create({"payment_intent": paid.id})
    standin.cards.win_dispute(dispute["id"])
    won = client.v1.disputes.retrieve(dispute["id"])
    assert (won.status, [each.amount for each in won.balance_transactions]) == ("won", [-10_000, 10_000])
    assert standin.books.balance("cny") == before


def test_an_account_is_proved_paid_and_its_transfer_reversed(standin, client, customer):
    pay(client, customer, amount=1_000_000)
    account = client.v1.accounts.create({"country": "HK", "capabilities": {"transfers": {"requested": True}}})
    link = client.v1.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "return_url": "http://127.0.0.1:9/",
            "refresh_url": "http://127.0.0.1:9/",
        }
    )
    assert account.id in link.url
    order = {"amount": 50_000, "currency": "cny", "destination": account.id, "metadata": {"call": "t"}}
    with pytest.raises(stripe.InvalidRequestError, match="transfers capability"):
        client.v1.transfers.create(order)
    standin.connect.prove(account.id)
    transfer = client.v1.transfers.create(order)
    own = {"stripe_account": account.id}
    payout = client.v1.payouts.create({"amount": 50_000, "currency": "cny"}, own)
    with pytest.raises(stripe.InvalidRequestError, match="insufficient"):
        client.v1.transfers.reversals.create(transfer.id, {"amount": 50_000})
    standin.connect.fail_payout(payout.id, account.id)
    assert client.v1.payouts.retrieve(payout.id, {}, own).failure_code == "account_closed"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payouts.retrieve(payout.id)
    client.v1.transfers.reversals.create(transfer.id, {"amount": 50_000, "metadata": {"call": "r"}})
    assert client.v1.transfers.retrieve(transfer.id).reversed
    [reversal] = client.v1.transfers.reversals.list(transfer.id).data
    assert reversal.metadata["call"] == "r"
    standin.connect.deauthorize(account.id)
    with pytest.raises(stripe.PermissionError):
        client.v1.accounts.retrieve(account.id)


def test_a_key_gives_one_answer_and_refuses_another_body(standin, client):
    first = client.v1.customers.create({"name": "A"}, {"idempotency_key": "one"})
    again = client.v1.customers.create({"name": "A"}, {"idempotency_key": "one"})
    assert first.id == again.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "B"}, {"idempotency_key": "one"})
    standin.forget_keys()
    assert client.v1.customers.create({"name": "A"}, {"idempotency_key": "one"}).id != first.id


def test_a_key_gives_the_same_refusal_again(client):
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.payment_intents.create({"amount": 0, "currency": "cny"}, {"idempotency_key": "bad"})


def test_many_at_once_under_one_key_make_one(standin, client):
    def create(_: int) -> str:
        try:
            return client.v1.customers.create({"name": "C"}, {"idempotency_key": "many"}).id
        except stripe.StripeError as error:
            return str(error.http_status)

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(create, range(24)))
    assert len(answers - {"409"}) == 1


def test_a_call_whose_answer_is_lost_was_carried_out(standin, client):
    standin.answers_lost = 1
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.create({"name": "D"}, {"idempotency_key": "lost"})
    [made] = [each for each in client.v1.customers.list({"limit": 100}).data if each.name == "D"]
    assert client.v1.customers.create({"name": "D"}, {"idempotency_key": "lost"}).id == made.id


def test_faults_keys_and_addresses_have_their_errors(standin, client):
    standin.errors_next = 1
    with pytest.raises(stripe.APIError):
        client.v1.customers.list()
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.customers.retrieve("cus_nobody")
    assert missing.value.code == "resource_missing"
    other = stripe.StripeClient("sk_test_other", base_addresses={"api": standin.address})
    with pytest.raises(stripe.AuthenticationError):
        other.v1.customers.list()


def test_lists_come_in_pages_the_newest_first(client, customer):
    made = [client.v1.payment_intents.create({"amount": 100 + n, "currency": "cny"}).id for n in range(5)]
    page = client.v1.payment_intents.list({"limit": 2})
    assert ([each.id for each in page.data], page.has_more) == (made[:2:-1], True)
    following = client.v1.payment_intents.list({"limit": 2, "starting_after": made[3]})
    assert [each.id for each in following.data] == [made[2], made[1]]
    everything = [each.id for each in page.auto_paging_iter()]
    assert everything[:5] == made[::-1]
    assert client.v1.payment_intents.list({"created": {"gte": 4_000_000_000}}).data == []


def test_events_are_listed_and_signed_as_the_sdk_verifies(standin, client, customer):
    pay(client, customer)
    [*_, event] = standin.fresh_events()
    body, header = standin.signed(event)
    assert client.construct_event(body, header, WEBHOOK_SECRET).type == "payment_intent.succeeded"
    for bad in (
        standin.signed(event, secret="whsec_other"),
        standin.signed(event, age=600),
        (body.replace(b"succeeded", b"canceled!"), header),
    ):
        with pytest.raises(stripe.SignatureVerificationError):
            client.construct_event(*bad, WEBHOOK_SECRET)
    assert client.v1.events.list({"limit": 1}).data[0].id == event["id"]


def test_events_are_delivered_late_often_and_shuffled(standin, client, customer):
    pay(client, customer)
    events = standin.fresh_events()
    seen: list[bytes] = []
    assert standin.deliver(lambda body, _: seen.append(body), events, times=3, seed=7) == 3 * len(events)
    assert len(set(seen)) == len(events)
    in_order = [standin.signed(event)[0] for event in events] * 3
    random.Random(7).shuffle(in_order)
    assert seen == in_order
