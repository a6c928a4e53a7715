from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import Organisation
from accounts.permissions import Permission
from listings.models import LicencePlan
from marketplace.trading.errors import NotOnSale
from marketplace.trading.models import Order
from marketplace.trading.operations.placing import buyer_of, hold_for
from marketplace.trading.queries.orders import plans_on_sale_to
from marketplace.trading.terms import HIGHEST_PRICE, LARGEST_QUANTITY
from settlement.contracts.models import Contract
from settlement.vouchers.errors import VoucherRefused
from settlement.vouchers.operations import Claim, Purchase, claim

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
    voucher_id: int | None = None,
    now: datetime,
) -> Order:
    """Order seats of a licence plan at up to `limit_price` fen a seat, and hold the most that can cost, in
    part by a voucher if one is named.

    A plan of unlimited supply sells at its posted price; one of limited supply at one price for all, found by
    the round. Fewer than `minimum` seats (all, unless said) are not taken. The order rests for 14 days unless
    `expires_at` says otherwise, and no longer than its voucher. Raises NotAllowed, NotVerified, NotAccepted,
    InvalidInput, NotOnSale, VoucherRefused and InsufficientFunds.
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
    if not plans_on_sale_to(buyer, now=now).filter(pk=plan.pk).exists():
        raise NotOnSale(_("This licence plan is not on sale to you."))
    voucher = _claim(buyer, voucher_id, seats * limit_price, now)
    if voucher is not None and plan.algorithm.publisher_id in voucher.barred:
        raise VoucherRefused(_("A voucher does not pay an affiliate: place the order without it."))
    rests_until = expires_at or now + RESTS
    order = Order.objects.create(
        organisation=buyer,
        placed_by=actor.user,
        kind=Order.Kind.LICENCE,
        plan=plan,
        quantity=seats,
        minimum=seats if minimum is None else minimum,
        limit_price=limit_price,
        placed_at=now,
        expires_at=min(rests_until, voucher.expires_at) if voucher else rests_until,
    )
    hold_for(order, amount=seats * limit_price, claim=voucher, now=now)
    record(actor=actor, verb="place", subject=order, detail={"most": seats * limit_price}, now=now)
    return order


def _claim(buyer: Organisation, voucher_id: int | None, most: int, now: datetime) -> Claim | None:
    if voucher_id is None:
        return None
    purchase = Purchase(kind=Contract.Kind.LICENCE, most=most)
    return claim(organisation=buyer, voucher_id=voucher_id, purchase=purchase, now=now)
