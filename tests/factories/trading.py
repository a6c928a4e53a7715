"""Funded buyers who place orders, and rounds that run: through the operations, as everybody else does."""

import datetime
from typing import Any

from accounts.audit import Actor
from accounts.models import Member, Organisation, Role
from listings.models import LicencePlan
from marketplace.trading.models import Order, Round
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.place_bid import place_bid
from marketplace.trading.operations.place_bundle import place_bundle
from marketplace.trading.operations.place_licence_order import place_licence_order
from marketplace.trading.operations.run_round import run_round
from marketplace.trading.terms import BidTerms
from tests.factories.accounts import NOW, MemberFactory, OrganisationFactory
from tests.factories.listings import hour
from tests.factories.settlement import fund


def funded_buyer(fen: int = 10_000_000_00) -> Organisation:
    buyer = OrganisationFactory(activity=Organisation.Activity.BUY)
    fund(buyer, fen)
    return buyer


def actor_of(organisation: Organisation) -> Actor:
    """A trader of the organisation."""
    member = Member.objects.filter(organisation=organisation, role=Role.TRADER).first()
    member = member or MemberFactory(organisation=organisation, role=Role.TRADER)
    return Actor(user=member.user, organisation=organisation)


def terms(**changes: Any) -> BidTerms:
    """Four units for three hours, some time in the eleven hours after the tests' first gate, at 20 CNY."""
    fields: dict[str, Any] = {
        "quantity": 4,
        "hours": 3,
        "window_start": hour(1),
        "window_end": hour(12),
        "limit_price": 2000,
    }
    return BidTerms(**fields | changes)


def bid(
    organisation: Organisation | None = None,
    *,
    now: datetime.datetime = NOW,
    voucher_id: int | None = None,
    **changes: Any,
) -> Order:
    actor = actor_of(organisation or funded_buyer())
    return place_bid(actor=actor, terms=terms(**changes), voucher_id=voucher_id, now=now)


def licence_order(
    plan: LicencePlan,
    organisation: Organisation | None = None,
    *,
    now: datetime.datetime = NOW,
    seats: int = 2,
    limit_price: int | None = None,
    **changes: Any,
) -> Order:
    return place_licence_order(
        actor=actor_of(organisation or funded_buyer()),
        plan=plan,
        seats=seats,
        limit_price=plan.price if limit_price is None else limit_price,
        now=now,
        **changes,
    )


def bundle(
    plan: LicencePlan,
    organisation: Organisation | None = None,
    *,
    now: datetime.datetime = NOW,
    seats: int = 2,
    seat_limit: int | None = None,
    expires_at: datetime.datetime | None = None,
    **changes: Any,
) -> tuple[Order, Order]:
    """A bid and an order of a licence, both or neither."""
    return place_bundle(
        actor=actor_of(organisation or funded_buyer()),
        terms=terms(**changes),
        plan=plan,
        seats=seats,
        seat_limit=plan.price if seat_limit is None else seat_limit,
        expires_at=expires_at,
        now=now,
    )


def cleared_round(now: datetime.datetime = NOW) -> Round:
    """Close the open round at `now`, clear it and settle it."""
    done = run_round(round_id=open_round(now=now).pk, now=now)
    assert done is not None
    assert done.status == Round.Status.SETTLED, done.error
    return done
