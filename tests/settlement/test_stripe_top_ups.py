"""Money by card: on Stripe's page, with a saved card; whatever breaks in between, it is booked once."""

import datetime

import pytest
from django.db import connections

from accounts.errors import NotAllowed
from accounts.models import Role
from settlement.ledger.models import AccountKind, Currency, Transfer, TransferKind
from settlement.ledger.queries import Balances, balance_of
from settlement.payments import operations
from settlement.payments.errors import BadAmount, StripeRefused, StripeSilent
from settlement.payments.models import CardTopUp, StripeCall, StripeCustomer
from tests.factories.settlement import acting
from tests.stripe_standin.cards import ASKS_FOR_ITS_OWNER, DECLINED, DECLINED_LATER, fee_of

pytestmark = pytest.mark.django_db
Status = CardTopUp.Status


def test_a_payment_on_stripes_page_tops_the_balance_up_and_its_fee_is_a_cost(world, buyer):
    top_up = world.top_up(buyer, 100_000)
    assert balance_of(buyer) == Balances(available=100_000)
    assert (top_up.status, top_up.received) == (Status.PAID, 100_000)
    assert world.fen(AccountKind.PROCESSING) == -fee_of(100_000)
    assert world.agrees_with_stripe()


def test_what_is_not_paid_tops_nothing_up(world, buyer):
    started = world.start(buyer)
    with pytest.raises(Exception, match="declined"):
        world.stripe.cards.complete(started.session_id, DECLINED)
    world.hear()
    started.refresh_from_db()
    assert (started.status, balance_of(buyer)) == (Status.PENDING, Balances())
    world.stripe.cards.complete(started.session_id)  # Another card, on the same page.
    world.hear()
    assert balance_of(buyer) == Balances(available=100_000)


def test_a_page_that_nobody_fills_in_expires(world, buyer):
    started = world.start(buyer)
    world.stripe.cards.expire_session(started.session_id)
    world.hear()
    started.refresh_from_db()
    assert started.status == Status.EXPIRED


def test_who_comes_back_from_the_page_sees_it_paid_before_the_webhook_comes(world, buyer):
    started = world.start(buyer)
    world.stripe.cards.complete(started.session_id)
    shown = operations.refresh_top_up(actor=acting(buyer), key=started.call.key, now=world.now)
    assert shown.status == Status.PAID
    world.hear(times=2, seed=3)
    assert balance_of(buyer) == Balances(available=100_000)


def test_a_currency_has_its_own_accounts(world, buyer):
    world.top_up(buyer, 50_000, currency=Currency.HKD)
    assert balance_of(buyer) == Balances()
    assert balance_of(buyer, Currency.HKD) == Balances(available=50_000)
    assert world.fen(AccountKind.STRIPE, Currency.HKD) == -50_000 + fee_of(50_000)


def test_a_fee_that_is_known_later_is_booked_later_and_once(world, buyer):
    world.stripe.books.balance_later = True
    world.top_up(buyer)
    assert world.fen(AccountKind.PROCESSING) == 0
    world.stripe.cards.settle_balances()
    world.hear(times=3, seed=1)
    assert world.fen(AccountKind.PROCESSING) == -fee_of(100_000)
    assert world.agrees_with_stripe()


def test_a_card_saved_while_paying_is_charged_again_without_its_owner(world, buyer):
    world.top_up(buyer, save_card=True)
    [card] = buyer.saved_cards.all()
    assert str(card) == "Visa •••• 4242"
    charged = operations.charge_saved_card(
        actor=acting(buyer), card_id=card.pk, amount=30_000, currency=Currency.CNY, key="one", now=world.now
    )
    assert charged.status == Status.PAID
    world.hear(times=2, seed=2)
    assert balance_of(buyer) == Balances(available=130_000)
    assert world.agrees_with_stripe()


@pytest.mark.parametrize(
    ("number", "why"), [(DECLINED_LATER, "declined"), (ASKS_FOR_ITS_OWNER, "requires authentication")]
)
def test_a_saved_card_that_is_declined_says_why(world, buyer, number, why):
    card = world.saved_card(buyer, number)
    charged = operations.charge_saved_card(
        actor=acting(buyer), card_id=card.pk, amount=30_000, currency=Currency.CNY, key="one", now=world.now
    )
    assert charged.status == Status.FAILED
    assert why in charged.failure
    world.hear(times=2, seed=2)
    charged.refresh_from_db()
    assert (charged.status, balance_of(buyer)) == (Status.FAILED, Balances())


def test_a_form_sent_twice_charges_once(world, buyer):
    card = world.saved_card(buyer)
    first, second = (
        operations.charge_saved_card(
            actor=acting(buyer),
            card_id=card.pk,
            amount=30_000,
            currency=Currency.CNY,
            key="one",
            now=world.now,
        )
        for _ in range(2)
    )
    assert first == second
    assert balance_of(buyer) == Balances(available=30_000)


def test_a_removed_card_is_forgotten_here_and_at_stripe(world, buyer):
    card = world.saved_card(buyer)
    operations.remove_card(actor=acting(buyer), card_id=card.pk, now=world.now)
    world.sweep()
    world.hear(times=2, seed=5)
    card.refresh_from_db()
    assert card.removed_at == world.now
    assert world.stripe.books.get("payment_method", card.payment_method_id)["customer"] is None


def test_an_organisation_is_one_customer_however_often_it_pays(world, buyer):
    world.start(buyer)
    world.start(buyer)
    world.saved_card(buyer)
    assert len(world.stripe.asked("/v1/customers")) == 1
    assert StripeCustomer.objects.count() == 1


def test_an_amount_out_of_bounds_asks_stripe_nothing(world, buyer):
    for amount in (0, -1, 9_999, 100_000_000):
        with pytest.raises(BadAmount):
            world.start(buyer, amount)
    with pytest.raises(BadAmount):
        world.start(buyer, currency="USD")
    assert world.stripe.requests == []


def test_only_who_moves_money_pays_by_card(world, buyer):
    for role in (Role.TRADER, Role.ENGINEER, Role.VIEWER):
        with pytest.raises(NotAllowed):
            operations.start_card_top_up(
                actor=acting(buyer, role),
                amount=100_000,
                currency=Currency.CNY,
                save_card=False,
                return_url=str,
                now=world.now,
            )


def test_somebody_elses_card_and_top_up_are_not_found(world, buyer, provider):
    card = world.saved_card(buyer)
    top_up = world.top_up(buyer)
    with pytest.raises(type(card).DoesNotExist):
        operations.charge_saved_card(
            actor=acting(provider),
            card_id=card.pk,
            amount=30_000,
            currency=Currency.CNY,
            key="one",
            now=world.now,
        )
    with pytest.raises(CardTopUp.DoesNotExist):
        operations.ask_refund(actor=acting(provider), top_up_id=top_up.pk, amount=1, key="r", now=world.now)


# What breaks in between


def test_a_lost_answer_is_asked_for_again_under_the_same_key(world, buyer):
    card = world.saved_card(buyer)
    world.stripe.answers_lost = 1
    charged = operations.charge_saved_card(
        actor=acting(buyer), card_id=card.pk, amount=30_000, currency=Currency.CNY, key="one", now=world.now
    )
    assert charged.status == Status.PENDING
    world.later(minutes=5)
    world.sweep()
    charged.refresh_from_db()
    assert charged.status == Status.PAID
    keys = world.stripe.asked("/v1/payment_intents")
    assert len(keys) == 2
    assert set(keys) == {charged.call.key}
    world.hear(times=3, seed=1)
    assert balance_of(buyer) == Balances(available=30_000)


def test_a_process_that_dies_between_the_call_and_its_record_charges_once(world, buyer, monkeypatch):
    card = world.saved_card(buyer)

    def die(*_args, **_named):
        raise SystemExit("killed")

    with monkeypatch.context() as killed:
        killed.setattr("settlement.payments.operations.stripe_calls._resolve", die)
        with pytest.raises(SystemExit):
            operations.charge_saved_card(
                actor=acting(buyer),
                card_id=card.pk,
                amount=30_000,
                currency=Currency.CNY,
                key="one",
                now=world.now,
            )
    assert balance_of(buyer) == Balances()
    world.hear()  # The webhook comes before anybody takes the call up.
    assert balance_of(buyer) == Balances(available=30_000)
    world.later(minutes=5)
    world.sweep()
    world.hear(times=2, seed=4)
    assert balance_of(buyer) == Balances(available=30_000)
    assert len(world.stripe.books.all("charge")) == 1
    assert StripeCall.objects.filter(status=StripeCall.Status.WAITING).count() == 0


def test_with_a_new_key_for_each_try_the_card_would_be_charged_twice(world, buyer, monkeypatch):
    """The negative control: what the stored key prevents."""
    card = world.saved_card(buyer)
    perform = operations.stripe_calls.stripe_api.perform
    tries = iter(range(9))
    monkeypatch.setattr(
        "settlement.payments.stripe_api.perform",
        lambda verb, *, key, **named: perform(verb, key=f"{key}-{next(tries)}", **named),
    )
    world.stripe.answers_lost = 1
    operations.charge_saved_card(
        actor=acting(buyer), card_id=card.pk, amount=30_000, currency=Currency.CNY, key="one", now=world.now
    )
    world.later(minutes=5)
    world.sweep()
    assert len(world.stripe.books.all("charge")) == 2


def test_when_stripe_has_forgotten_the_key_what_was_made_is_found_by_our_metadata(world, buyer):
    card = world.saved_card(buyer)
    world.stripe.answers_lost = 1
    charged = operations.charge_saved_card(
        actor=acting(buyer), card_id=card.pk, amount=30_000, currency=Currency.CNY, key="one", now=world.now
    )
    world.stripe.forget_keys()
    world.later(hours=25)
    world.sweep()
    charged.refresh_from_db()
    assert charged.status == Status.PAID
    assert len(world.stripe.books.all("payment_intent")) == 1
    assert len(world.stripe.asked("/v1/payment_intents")) == 1


def test_a_call_that_never_arrived_is_made_after_all(world, buyer):
    card = world.saved_card(buyer)
    world.stripe.errors_next = 1
    charged = operations.charge_saved_card(
        actor=acting(buyer), card_id=card.pk, amount=30_000, currency=Currency.CNY, key="one", now=world.now
    )
    world.stripe.forget_keys()
    world.later(hours=25)
    world.sweep()
    charged.refresh_from_db()
    assert charged.status == Status.PAID
    assert balance_of(buyer) == Balances(available=30_000)


def test_a_page_needs_stripes_answer_and_says_so(world, buyer):
    world.start(buyer)
    world.stripe.errors_next = 1
    with pytest.raises(StripeSilent):
        world.start(buyer)
    world.later(minutes=5)
    world.sweep()  # The page is made after all, unseen: it will expire.
    assert CardTopUp.objects.filter(session_id=None).count() == 0


def test_a_refused_customer_may_be_tried_again(world, buyer, settings):
    settings.STRIPE_SECRET_KEY = "sk_test_wrong"
    with pytest.raises(StripeSilent):
        world.start(buyer)
    call = StripeCall.objects.get()
    StripeCall.objects.filter(pk=call.pk).update(status=StripeCall.Status.REFUSED, resolved_at=world.now)
    settings.STRIPE_SECRET_KEY = world.stripe.secret_key
    world.top_up(buyer)
    assert balance_of(buyer) == Balances(available=100_000)


@pytest.mark.django_db(transaction=True)
def test_stripe_is_called_outside_of_any_transaction(world, buyer):
    inside: list[bool] = []
    ours = connections["default"]  # A connection belongs to its thread, and the stand-in answers in another.
    world.stripe.on_request = lambda *_: inside.append(ours.in_atomic_block)
    started = world.start(buyer)
    world.stripe.cards.complete(started.session_id)
    world.hear()
    refund = operations.ask_refund(
        actor=acting(buyer), top_up_id=started.pk, amount=1, key="r", now=world.now
    )
    world.sweep()
    refund.refresh_from_db()
    assert refund.status == refund.Status.SUCCEEDED
    assert len(inside) > 5
    assert not any(inside)


def test_a_top_ups_transfer_is_keyed_by_the_payment(world, buyer):
    top_up = world.top_up(buyer)
    transfer = Transfer.objects.get(kind=TransferKind.TOP_UP)
    assert (transfer.source, transfer.source_id) == ("stripe", top_up.payment_intent_id)
    assert isinstance(top_up.paid_at, datetime.datetime)


def test_a_payment_that_is_not_ours_is_left_alone(world, buyer):
    world.stripe.cards.create_payment(
        {
            "amount": 5_000,
            "currency": "cny",
            "payment_method": world.stripe.cards.new_card()["id"],
            "confirm": "true",
        }
    )
    world.hear()
    assert world.waiting() == 0
    assert not Transfer.objects.exists()


def test_a_refusal_of_the_page_is_told(world, buyer):
    world.start(buyer)
    StripeCustomer.objects.update(customer_id="cus_gone")
    with pytest.raises(StripeRefused, match="No such customer"):
        world.start(buyer)
    assert CardTopUp.objects.filter(status=Status.FAILED).count() == 1
