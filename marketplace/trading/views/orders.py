"""A buyer's own orders: place, watch, cancel. Another organisation's order does not exist here."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

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
from marketplace.trading.forms import BidForm, LicenceOrderForm, terms_of
from marketplace.trading.models import Order
from marketplace.trading.operations.cancel_order import cancel_order
from marketplace.trading.operations.place_bid import place_bid
from marketplace.trading.operations.place_licence_order import place_licence_order
from marketplace.trading.queries.estimates import estimate
from marketplace.trading.queries.explanations import explain
from marketplace.trading.queries.market import open_round, plan_price
from marketplace.trading.queries.orders import orders_of
from marketplace.trading.terms import HIGHEST_PRICE
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
        messages.success(request, _("The order is cancelled; what it held is available again."))
    return redirect("trading:order", own.pk)


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.TRADE)
def new_bid(request: MemberRequest) -> HttpResponse:
    vouchers = usable_vouchers(request.organisation, now=timezone.now())
    form = BidForm(request.POST or None, initial=_initial_bid(request), vouchers=vouchers)
    if request.method == "POST" and form.is_valid():
        with refused_on(form):
            placed = place_bid(
                actor=request.actor,
                terms=form.terms(),
                expires_at=form.cleaned_data["expires_at"],
                voucher_id=form.cleaned_data.get("voucher"),
                now=timezone.now(),
            )
            messages.success(request, _("The bid is placed. It takes part in the round that closes next."))
            return redirect("trading:order", placed.pk)
    context = {"form": form, "open_round": open_round(), "balance": balance_of(request.organisation)}
    return render(request, "orders/new_bid.html", context)


@require_POST
@organisation_required(Permission.TRADE)
def bid_estimate(request: MemberRequest) -> HttpResponse:
    """Beside the form, as it is filled in: which pools could serve the bid, and what it would cost."""
    vouchers = usable_vouchers(request.organisation, now=timezone.now())
    form = BidForm(request.POST, vouchers=vouchers)
    context: dict[str, Any] = {"form": form, "balance": balance_of(request.organisation)}
    if form.is_valid():
        try:
            terms = form.terms(without_limit=HIGHEST_PRICE)
            shown = estimate(organisation=request.organisation, terms=terms, now=timezone.now())
        except DomainError as refusal:
            context["refusal"] = refusal
        else:
            context["estimate"] = shown
            context["has_limit"] = terms.highest_limit < HIGHEST_PRICE
            context["by_voucher"] = _part_of(
                form.cleaned_data.get("voucher"), vouchers, shown.most_it_can_cost
            )
            context["own_part"] = shown.most_it_can_cost - context["by_voucher"]
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
        "open_round": open_round(),
        "balance": balance_of(request.organisation),
    }
    return render(request, "orders/new_licence_order.html", context)


def _initial_bid(request: MemberRequest) -> dict[str, Any]:
    """Another bid like one of the organisation's own (`?like=17`), else the coming two days."""
    like = request.GET.get("like", "")
    if like.isdecimal():
        bids = orders_of(request.organisation).filter(kind=Order.Kind.BID)
        model = get_object_or_404(bids, pk=int(like))
        return terms_of(model, raise_by=explain(model).raise_by or 0)
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
