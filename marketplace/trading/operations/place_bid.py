from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import Organisation
from accounts.permissions import Permission
from listings.models import Accelerator
from listings.queries import eligible_pools
from listings.slots import SLOT
from marketplace.trading.errors import NoEligiblePool
from marketplace.trading.models import Order, OrderLimit
from marketplace.trading.operations.placing import buyer_of, hold_for
from marketplace.trading.terms import BidTerms
from settlement.contracts.models import Contract
from settlement.contracts.queries import bound_organisations
from settlement.vouchers.operations import Claim, Purchase, claim


@transaction.atomic
def place_bid(
    *,
    actor: Actor,
    terms: BidTerms,
    expires_at: datetime | None = None,
    voucher_id: int | None = None,
    now: datetime,
) -> Order:
    """Place a compute bid and hold the most it can cost, in part by a voucher if one is named.

    It rests until it fills, is cancelled, or expires: at `expires_at`, when its window leaves no start, or
    with its voucher, which keeps it from the buyer's affiliates. Raises NotAllowed, NotVerified, NotAccepted,
    InvalidInput, NoEligiblePool, VoucherRefused or InsufficientFunds.
    """
    buyer = buyer_of(actor, permission=Permission.TRADE, now=now)
    terms.check(now=now)
    last_start = terms.window_end - terms.hours * SLOT
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(_("The bid would expire before it is placed: give a later time."))
    _refuse_unknown_accelerators(terms)
    voucher = _claim(buyer, voucher_id, terms, now)
    pools = eligible_pools(terms.requirements()).filter(facility__provider__in=bound_organisations(now))
    pools = pools.exclude(facility__provider=buyer)
    if not pools.exists():
        raise NoEligiblePool(_("No pool on the exchange meets these requirements: loosen one of them."))
    if voucher is not None and not pools.exclude(facility__provider__in=voucher.barred).exists():
        raise NoEligiblePool(
            _("All pools that meet these requirements are your affiliates', which a voucher does not pay.")
        )
    order = Order.objects.create(
        organisation=buyer,
        placed_by=actor.user,
        kind=Order.Kind.BID,
        quantity=terms.quantity,
        minimum=terms.least_quantity,
        limit_price=terms.highest_limit,
        hours=terms.hours,
        window_start=terms.window_start,
        window_end=terms.window_end,
        hubs=list(terms.hubs),
        facility_kinds=list(terms.facility_kinds),
        jurisdictions=list(terms.jurisdictions),
        domestic_only=terms.domestic_only,
        least_memory_gb=terms.least_memory_gb,
        placed_at=now,
        expires_at=min(expires_at or last_start, last_start, voucher.expires_at if voucher else last_start),
    )
    OrderLimit.objects.bulk_create(
        OrderLimit(order=order, accelerator_id=pk, limit_price=terms.limit_for(pk))
        for pk in terms.accelerators
    )
    hold_for(order, amount=terms.most_it_costs, claim=voucher, now=now)
    record(actor=actor, verb="place", subject=order, detail={"most": terms.most_it_costs}, now=now)
    return order


def _claim(buyer: Organisation, voucher_id: int | None, terms: BidTerms, now: datetime) -> Claim | None:
    if voucher_id is None:
        return None
    purchase = Purchase(
        kind=Contract.Kind.COMPUTE,
        most=terms.most_it_costs,
        ends_at=terms.window_end,
        accelerators=tuple(terms.accelerators),
        domestic_only=terms.domestic_only,
    )
    return claim(organisation=buyer, voucher_id=voucher_id, purchase=purchase, now=now)


def _refuse_unknown_accelerators(terms: BidTerms) -> None:
    known = set(Accelerator.objects.filter(pk__in=terms.accelerators).values_list("pk", flat=True))
    if unknown := set(terms.accelerators) - known:
        raise InvalidInput(_("There is no accelerator %(id)s in the catalogue.") % {"id": min(unknown)})
