"""An organisation at Stripe, and its saved cards."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.models import Organisation
from accounts.names import local_name
from accounts.permissions import Permission, require
from settlement.payments import stripe_api
from settlement.payments.errors import StripeRefused, StripeSilent
from settlement.payments.models import SavedCard, StripeCall, StripeCustomer
from settlement.payments.operations.stripe_calls import make_call, ring, write_call
from settlement.payments.stripe_api import Kind, NoAnswer, Object, Refused, Verb


def customer_of(*, organisation: Organisation, now: datetime.datetime) -> str:
    """The organisation's id at Stripe, made on first need. Raises StripeSilent and StripeRefused."""
    customer = _write_customer(organisation, now)
    if customer.customer_id is None:
        demand_answer(make_call(call_id=customer.call_id, follow_up=record_customer, now=now))
        customer.refresh_from_db()
    assert customer.customer_id is not None, "an answered call has named the customer"
    return customer.customer_id


def record_customer(call: StripeCall, made: Object | None, now: datetime.datetime) -> None:
    if made is not None:
        StripeCustomer.objects.filter(call=call).update(customer_id=made["id"])


@contextmanager
def stripe_must_answer() -> Iterator[None]:
    """For a page that asks Stripe while its reader waits. Raises StripeSilent and StripeRefused."""
    try:
        yield
    except NoAnswer as error:
        raise StripeSilent(_("Stripe gives no answer just now. Try again in a few minutes.")) from error
    except Refused as refusal:
        raise StripeRefused(_("Stripe refused: %(reason)s") % {"reason": refusal.sentence}) from refusal


def demand_answer(call: StripeCall) -> None:
    """For a page that cannot go on without it. Raises StripeSilent and StripeRefused."""
    if call.status == StripeCall.Status.WAITING:
        raise StripeSilent(_("Stripe gives no answer just now. Try again in a few minutes."))
    if call.status == StripeCall.Status.REFUSED:
        raise StripeRefused(_("Stripe refused: %(reason)s") % {"reason": call.refusal})


def add_card_page(*, actor: Actor, return_url: str, now: datetime.datetime) -> str:
    """The address of a page of Stripe's that saves a card without charging it."""
    customer_id = customer_of(organisation=require(actor, Permission.MOVE_MONEY), now=now)
    call = _write_setup(customer_id, return_url, now)
    pages: list[str] = []
    demand_answer(
        make_call(call_id=call.pk, follow_up=lambda _call, made, _now: pages.append(page_of(made)), now=now)
    )
    return pages[0]


def page_of(session: Object | None) -> str:
    return str(session["url"]) if session else ""


@transaction.atomic(durable=True)
def _write_customer(organisation: Organisation, now: datetime.datetime) -> StripeCustomer:
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    customer = StripeCustomer.objects.select_related("call").filter(organisation=organisation).first()
    if customer and customer.call.status != StripeCall.Status.REFUSED:
        return customer
    call = write_call(
        verb=Verb.CUSTOMER,
        params={"name": local_name(organisation), "description": organisation.registration_number},
        now=now,
    )
    return StripeCustomer.objects.update_or_create(organisation=organisation, defaults={"call": call})[0]


@transaction.atomic(durable=True)
def _write_setup(customer_id: str, return_url: str, now: datetime.datetime) -> StripeCall:
    return write_call(
        verb=Verb.CHECKOUT,
        params={
            "mode": "setup",
            "customer": customer_id,
            "payment_method_types": ["card"],
            "success_url": return_url,
            "cancel_url": return_url,
        },
        now=now,
    )


def sync_setup(setup_intent_id: str, account: str, now: datetime.datetime) -> None:
    setup = stripe_api.fetch(Kind.SETUP_INTENT, setup_intent_id, account=account)
    if setup["status"] == "succeeded" and setup["payment_method"]:
        sync_card(setup["payment_method"], account, now)


def sync_card(payment_method_id: str, account: str, now: datetime.datetime) -> None:
    """Save, or forget, a card as Stripe has it now."""
    method = stripe_api.fetch(Kind.PAYMENT_METHOD, payment_method_id, account=account)
    if method["type"] == "card":
        _apply_card(method, now)


@transaction.atomic
def _apply_card(method: Object, now: datetime.datetime) -> None:
    if method["customer"] is None:  # A card once detached can never be attached again.
        SavedCard.objects.filter(payment_method_id=method["id"], removed_at=None).update(removed_at=now)
        return
    customer = StripeCustomer.objects.filter(customer_id=method["customer"]).first()
    if customer is None:
        return  # Not a customer of the exchange: the platform's Stripe account may serve others too.
    card = method["card"]
    shown = {
        "brand": card["brand"],
        "last4": card["last4"],
        "expires": f"{card['exp_year']}-{card['exp_month']:02}",
    }
    SavedCard.objects.update_or_create(
        payment_method_id=method["id"],
        defaults=shown,
        create_defaults=shown | {"organisation_id": customer.organisation_id, "added_at": now},
    )


@transaction.atomic
def remove_card(*, actor: Actor, card_id: int, now: datetime.datetime) -> None:
    """It is no longer offered from now on, and Stripe is told to forget it. A second removal does nothing."""
    organisation = require(actor, Permission.MOVE_MONEY)
    card = SavedCard.objects.select_for_update(no_key=True).get(pk=card_id, organisation=organisation)
    if card.removed_at:
        return
    card.removed_at = now
    card.save(update_fields=["removed_at"])
    call = write_call(verb=Verb.DETACH, target=card.payment_method_id, params={}, now=now)
    ring("make_stripe_call", call.pk)
    record(actor=actor, verb="remove", subject=card, detail={"card": str(card)}, now=now)
