from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.permissions import Permission
from listings.models import Algorithm, LicencePlan
from marketplace.trading.errors import NotOnSale
from marketplace.trading.models import Order
from marketplace.trading.operations.placing import buyer_of, hold_for
from marketplace.trading.terms import HIGHEST_PRICE, LARGEST_QUANTITY
from settlement.contracts.queries import bound_organisations

RESTS = timedelta(days=14)


@transaction.atomic
def place_licence_order(
    *,
    actor: Actor,
    plan: LicencePlan,
    seats: int,
    limit_price: int,
    minimum: int | None = None,
    expires_at: datetime | None = None,
    now: datetime,
) -> Order:
    """Order seats of a licence plan at up to `limit_price` fen a seat, and hold the most that can cost.

    A plan of unlimited supply sells at its posted price; one of limited supply at one price for all, found by
    the round. Fewer than `minimum` seats (all, unless said) are not taken. The order rests for 14 days unless
    `expires_at` says otherwise. Raises NotAllowed, NotVerified, NotAccepted, InvalidInput, NotOnSale
    and InsufficientFunds.
    """
    buyer = buyer_of(actor, permission=Permission.TRADE, now=now)
    if not 1 <= seats <= LARGEST_QUANTITY:
        raise InvalidInput(_("Ask for 1 to %(most)s seats.") % {"most": LARGEST_QUANTITY})
    if minimum is not None and not 1 <= minimum <= seats:
        raise InvalidInput(
            _("The minimum must be between 1 and the %(seats)s seats asked for.") % {"seats": seats}
        )
    if not 1 <= limit_price <= HIGHEST_PRICE:
        raise InvalidInput(
            _("The limit price must be more than 0 and at most %(most)s CNY.")
            % {"most": HIGHEST_PRICE // 100}
        )
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(_("The order would expire before it is placed: give a later time."))
    on_sale = LicencePlan.objects.filter(
        pk=plan.pk,
        status=LicencePlan.Status.LISTED,
        algorithm__status=Algorithm.Status.LISTED,
        algorithm__publisher__in=bound_organisations(now),
    )
    if not on_sale.exclude(algorithm__publisher=buyer).exists():
        raise NotOnSale(_("This licence plan is not on sale to you."))
    order = Order.objects.create(
        organisation=buyer,
        placed_by=actor.user,
        kind=Order.Kind.LICENCE,
        plan=plan,
        quantity=seats,
        minimum=seats if minimum is None else minimum,
        limit_price=limit_price,
        placed_at=now,
        expires_at=expires_at or now + RESTS,
    )
    hold_for(order, amount=seats * limit_price, now=now)
    record(actor=actor, verb="place", subject=order, detail={"most": seats * limit_price}, now=now)
    return order
