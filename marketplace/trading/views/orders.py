"""A buyer's own orders: place, watch, cancel. Another organisation's order does not exist here."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.errors import DomainError
from accounts.models import Jurisdiction
from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest
from accounts.web import organisation_required, refused_on, tell_refusal
from listings.models import Algorithm, Facility, Hub, LicencePlan
from listings.slots import SLOT, slot_of
from marketplace.trading.filters import OrderFilter
from marketplace.trading.forms import (
    BidForm,
    LicenceOrderForm,
    WithLicenceForm,
    licence_terms_of,
    terms_of,
)
from marketplace.trading.models import Order
from marketplace.trading.operations.cancel_order import cancel_order
from marketplace.trading.operations.place_bid import place_bid
from marketplace.trading.operations.place_bundle import place_bundle
from marketplace.trading.operations.place_licence_order import place_licence_order
from marketplace.trading.queries.estimates import estimate
from marketplace.trading.queries.explanations import explain
from marketplace.trading.queries.market import open_round, plan_price
from marketplace.trading.queries.orders import orders_of, plans_on_sale_to
from marketplace.trading.terms import HIGHEST_PRICE
from settlement.contracts.queries import most_it_can_cost
from settlement.ledger.queries import balance_of
from settlement.vouchers.queries import UsableVoucher, usable_vouchers

ORDERS_A_PAGE = 25
POOLS_IN_AN_ESTIMATE = 8


@require_GET
@organisation_required()
def orders(request: MemberRequest) -> HttpResponse:
    order_filter = OrderFilter(request.GET, queryset=orders_of(request.organisation))
    return render(
        request,
        "orders/orders.html",
        {
            "filter": order_filter,
            "page": Paginator(order_filter.qs, ORDERS_A_PAGE).get_page(request.GET.get("page")),
            "has_orders": orders_of(request.organisation).exists(),
            "may_trade": Permission.TRADE in permissions_of(request.actor),
        },
    )


@require_GET
@organisation_required()
def order(request: MemberRequest, order_id: int) -> HttpResponse:
    shown = get_object_or_404(orders_of(request.organisation), pk=order_id)
    return render(
        request,
        "orders/order.html",
        {
            "order": shown,
            "explanation": explain(shown),
            "hubs": [Hub(hub).label for hub in shown.hubs],
            "facility_kinds": [Facility.Kind(kind).label for kind in shown.facility_kinds],
            "jurisdictions": [Jurisdiction(each).label for each in shown.jurisdictions],
            "rounds": shown.round_orders.select_related("round")
            .defer("round__book", "round__result")
            .order_by("-pk"),
            "open_round": open_round(),
            "may_trade": Permission.TRADE in permissions_of(request.actor),
        },
    )


@require_POST
@organisation_required(Permission.TRADE)
def cancel(request: MemberRequest, order_id: int) -> HttpResponse:
    own = get_object_or_404(orders_of(request.organisation), pk=order_id)
    with tell_refusal(request):
        cancel_order(actor=request.actor, order_id=own.pk, now=timezone.now())
        bundled = _("The bundle is cancelled; what its two orders held is available again.")
        alone = _("The order is cancelled; what it held is available again.")
        messages.success(request, bundled if own.bundled_with_id is not None else alone)
    return redirect("trading:order", own.pk)


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.TRADE)
def new_bid(request: MemberRequest) -> HttpResponse:
    form, licence = _bid_forms(request)
    if request.method == "POST" and all([form.is_valid(), licence.is_valid()]):
        with refused_on(form):
            placed = _place(request, form, licence)
            bundled = _("The bundle is placed. It takes part in the round that closes next.")
            alone = _("The bid is placed. It takes part in the round that closes next.")
            messages.success(request, bundled if licence.is_wanted else alone)
            return redirect("trading:order", placed.pk)
    context = {
        "form": form,
        "licence": licence,
        "open_round": open_round(),
        "balance": balance_of(request.organisation),
    }
    return render(request, "orders/new_bid.html", context)


def _bid_forms(request: MemberRequest) -> tuple[BidForm, WithLicenceForm]:
    now = timezone.now()
    like = _like(request)
    vouchers = usable_vouchers(request.organisation, now=now)
    form = BidForm(request.POST or None, initial=_initial_bid(request, like), vouchers=vouchers)
    licence = WithLicenceForm(
        request.POST or None,
        initial=_initial_licence(request, like),
        plans=plans_on_sale_to(request.organisation, now=now),
        vouchers=vouchers,
    )
    return form, licence


def _place(request: MemberRequest, form: BidForm, licence: WithLicenceForm) -> Order:
    """The bid that was placed."""
    terms, voucher = form.terms(), form.cleaned_data.get("voucher")
    common: dict[str, Any] = {
        "actor": request.actor,
        "terms": terms,
        "expires_at": form.cleaned_data["expires_at"],
        "now": timezone.now(),
    }
    if not licence.is_wanted:
        return place_bid(voucher_id=voucher, **common)
    bid, _licence_order = place_bundle(
        plan=licence.cleaned_data["plan"],
        seats=licence.cleaned_data["seats"],
        seat_limit=licence.cleaned_data["limit_price"],
        bid_voucher_id=voucher,
        licence_voucher_id=licence.cleaned_data.get("voucher"),
        **common,
    )
    return bid


@require_POST
@organisation_required(Permission.TRADE)
def bid_estimate(request: MemberRequest) -> HttpResponse:
    """Beside the form, as it is filled in: which pools could serve the bid, and what it would cost."""
    form, licence = _bid_forms(request)
    vouchers = usable_vouchers(request.organisation, now=timezone.now())
    context: dict[str, Any] = {
        "form": form,
        "licence": licence,
        "balance": balance_of(request.organisation),
    }
    licence_is_known = licence.is_valid()
    if form.is_valid():
        try:
            terms = form.terms(without_limit=HIGHEST_PRICE)
            shown = estimate(organisation=request.organisation, terms=terms, now=timezone.now())
        except DomainError as refusal:
            context["refusal"] = refusal
        else:
            context["estimate"] = shown
            context["has_limit"] = terms.highest_limit < HIGHEST_PRICE
            most_for_seats = most_it_can_cost(licence.most_it_costs if licence_is_known else 0)
            context["most"] = shown.most_it_can_cost + most_for_seats
            context["most_for_seats"] = most_for_seats
            context["by_voucher"] = _part_of(
                form.cleaned_data.get("voucher"), vouchers, shown.most_it_can_cost
            ) + _part_of(licence.cleaned_data.get("voucher"), vouchers, most_for_seats)
            context["own_part"] = context["most"] - context["by_voucher"]
            context["pools"] = shown.pools[:POOLS_IN_AN_ESTIMATE]
            context["reachable"] = sum(each.within_limit for each in shown.pools)
    return render(request, "orders/_estimate.html", context)


def _part_of(voucher_id: int | None, vouchers: Sequence[UsableVoucher], most: int) -> int:
    return next((each.part_of(most) for each in vouchers if each.voucher.pk == voucher_id), 0)


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.TRADE)
def new_licence_order(request: MemberRequest, plan_id: int) -> HttpResponse:
    listed = LicencePlan.objects.filter(
        status=LicencePlan.Status.LISTED, algorithm__status=Algorithm.Status.LISTED
    ).select_related("algorithm__publisher")
    plan = get_object_or_404(listed, pk=plan_id)
    vouchers = usable_vouchers(request.organisation, now=timezone.now())
    form = LicenceOrderForm(request.POST or None, plan=plan, vouchers=vouchers)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with refused_on(form):
            placed = place_licence_order(
                actor=request.actor,
                plan=plan,
                seats=data["seats"],
                minimum=data["minimum"],
                limit_price=data["limit_price"],
                voucher_id=data.get("voucher"),
                now=timezone.now(),
            )
            messages.success(request, _("The order is placed. It takes part in the round that closes next."))
            return redirect("trading:order", placed.pk)
    context = {
        "form": form,
        "plan": plan,
        "last_price": plan_price(plan),
        "acceptance_days": settings.LICENCE_ACCEPTANCE_DAYS,
        "open_round": open_round(),
        "balance": balance_of(request.organisation),
    }
    return render(request, "orders/new_licence_order.html", context)


def _like(request: MemberRequest) -> Order | None:
    """The bid of the organisation's own that another is to be like (`?like=17`)."""
    like = request.GET.get("like", "")
    if not like.isdecimal():
        return None
    bids = orders_of(request.organisation).filter(kind=Order.Kind.BID)
    return get_object_or_404(bids, pk=int(like))


def _initial_licence(request: MemberRequest, like: Order | None) -> dict[str, Any]:
    if like is not None and like.bundled_with is not None:
        return licence_terms_of(like.bundled_with)
    plan = request.GET.get("plan", "")
    return {"plan": int(plan)} if plan.isdecimal() else {}


def _initial_bid(request: MemberRequest, like: Order | None) -> dict[str, Any]:
    """Another bid like that one, else the coming two days."""
    if like is not None:
        return terms_of(like, raise_by=explain(like).raise_by or 0)
    start = slot_of(timezone.now()) + 2 * SLOT
    initial: dict[str, Any] = {
        "quantity": 8,
        "hours": 24,
        "window_start": start,
        "window_end": start + timedelta(days=2),
    }
    if request.GET.get("accelerator", "").isdecimal():
        initial["accelerators"] = [int(request.GET["accelerator"])]
    return initial
