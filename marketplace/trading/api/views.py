"""Translate requests to trading's operations and queries; each change calls one operation."""

from datetime import timedelta
from typing import ClassVar

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import KEY_PARAMETER, idempotent
from accounts.api.views import OrganisationView, PublicView, checked, checked_query
from listings.models import LicencePlan, Pool
from listings.slots import slot_of
from marketplace.trading.api.serializers import (
    BidTermsSerializer,
    BundleSerializer,
    DepthSerializer,
    EstimateSerializer,
    IndexSerializer,
    NewBidSerializer,
    NewBundleSerializer,
    NewLicenceOrderSerializer,
    OrderDetailSerializer,
    OrderSerializer,
    PoolPricesSerializer,
    RoundSerializer,
    TradeSerializer,
    terms_of,
)
from marketplace.trading.models import Order, Round, Trade
from marketplace.trading.operations.cancel_order import cancel_order
from marketplace.trading.operations.place_bid import place_bid
from marketplace.trading.operations.place_bundle import place_bundle
from marketplace.trading.operations.place_licence_order import place_licence_order
from marketplace.trading.queries.estimates import estimate
from marketplace.trading.queries.explanations import explain
from marketplace.trading.queries.market import depth, last_round, pool_prices, price_index
from marketplace.trading.queries.orders import orders_of, published_json, published_rounds, trades_of


class OrderList(OrganisationView, generics.ListAPIView[Order]):
    """Your organisation's orders, latest first."""

    queryset = Order.objects.none()  # names the model to the schema
    serializer_class = OrderSerializer
    filterset_fields: ClassVar = ["kind", "status"]

    def get_queryset(self) -> QuerySet[Order]:
        return orders_of(self.organisation)


class OrderDetail(OrganisationView):
    @extend_schema(operation_id="orders_retrieve", responses=OrderDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """One order, with what the last round decided about it and what would have filled it."""
        return Response(_detail(get_object_or_404(orders_of(self.organisation), pk=pk)))


class OrderCancel(OrganisationView):
    @extend_schema(operation_id="orders_cancel", request=None, responses=OrderDetailSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Cancel a resting order; what it held is released."""
        own = get_object_or_404(orders_of(self.organisation), pk=pk)
        cancel_order(actor=self.actor, order_id=own.pk, now=timezone.now())
        return Response(_detail(orders_of(self.organisation).get(pk=pk)))


class Bids(OrganisationView):
    @extend_schema(
        operation_id="bids_create",
        parameters=[KEY_PARAMETER],
        request=NewBidSerializer,
        responses={201: OrderDetailSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Place a bid; the most it can cost is held."""
        asked = checked(NewBidSerializer(data=request.data))
        order = place_bid(
            actor=self.actor,
            terms=terms_of(asked),
            expires_at=asked["expires_at"],
            voucher_id=asked["voucher"],
            now=timezone.now(),
        )
        return Response(_detail(orders_of(self.organisation).get(pk=order.pk)), status=201)


class Estimates(OrganisationView):
    @extend_schema(operation_id="estimates_create", request=BidTermsSerializer, responses=EstimateSerializer)
    def post(self, request: Request) -> Response:
        """What a bid could buy and would cost at the last round's prices. Places nothing."""
        terms = terms_of(checked(BidTermsSerializer(data=request.data)))
        return Response(
            EstimateSerializer(estimate(organisation=self.organisation, terms=terms, now=timezone.now())).data
        )


class LicenceOrders(OrganisationView):
    @extend_schema(
        operation_id="licence_orders_create",
        parameters=[KEY_PARAMETER],
        request=NewLicenceOrderSerializer,
        responses={201: OrderDetailSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Order seats of a licence plan; the most that can cost is held."""
        asked = checked(NewLicenceOrderSerializer(data=request.data))
        order = place_licence_order(
            actor=self.actor,
            plan=get_object_or_404(LicencePlan, pk=asked["plan"]),
            seats=asked["seats"],
            limit_price=asked["limit_price_fen"],
            minimum=asked["minimum"],
            expires_at=asked["expires_at"],
            voucher_id=asked["voucher"],
            now=timezone.now(),
        )
        return Response(_detail(orders_of(self.organisation).get(pk=order.pk)), status=201)


class Bundles(OrganisationView):
    @extend_schema(
        operation_id="bundles_create",
        parameters=[KEY_PARAMETER],
        request=NewBundleSerializer,
        responses={201: BundleSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Place a bid and a licence order that fill in one round, or neither does; both are held for."""
        asked = checked(NewBundleSerializer(data=request.data))
        bid, licence_order = asked["bid"], asked["licence_order"]
        expiries = [each["expires_at"] for each in (bid, licence_order) if each["expires_at"] is not None]
        placed = place_bundle(
            actor=self.actor,
            terms=terms_of(bid),
            plan=get_object_or_404(LicencePlan, pk=licence_order["plan"]),
            seats=licence_order["seats"],
            seat_limit=licence_order["limit_price_fen"],
            least_seats=licence_order["minimum"],
            expires_at=min(expiries, default=None),
            bid_voucher_id=bid["voucher"],
            licence_voucher_id=licence_order["voucher"],
            now=timezone.now(),
        )
        shown = [_detail(orders_of(self.organisation).get(pk=order.pk)) for order in placed]
        return Response(dict(zip(("bid", "licence_order"), shown, strict=True)), status=201)


def _detail(order: Order) -> dict[str, object]:
    order.explanation = explain(order)  # type: ignore[attr-defined]
    return dict(OrderDetailSerializer(order).data)


class TradeList(OrganisationView, generics.ListAPIView[Trade]):
    """What your organisation bought or sold, latest first."""

    queryset = Trade.objects.none()  # names the model to the schema
    serializer_class = TradeSerializer
    filterset_fields: ClassVar = ["round", "pool", "plan"]

    def get_queryset(self) -> QuerySet[Trade]:
        return trades_of(self.organisation)


class RoundList(PublicView, generics.ListAPIView[Round]):
    """The settled rounds, latest first."""

    queryset = Round.objects.none()  # names the model to the schema
    serializer_class = RoundSerializer

    def get_queryset(self) -> QuerySet[Round]:
        return published_rounds()


class RoundDetail(PublicView, generics.RetrieveAPIView[Round]):
    """One settled round."""

    queryset = Round.objects.none()  # names the model to the schema
    serializer_class = RoundSerializer

    def get_queryset(self) -> QuerySet[Round]:
        return published_rounds()


class Document(PublicView):
    @extend_schema(
        operation_id="documents_retrieve",
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description="The book or the result.")},
    )
    def get(self, request: Request, sha256: str) -> HttpResponse:
        """A settled round's book or result: the very bytes whose SHA-256 this is."""
        text = published_json(sha256)
        if text is None:
            raise Http404
        return HttpResponse(text, content_type="application/json")


class WindowSerializer(serializers.Serializer[None]):
    pool = serializers.IntegerField(required=False, help_text="One pool only.")
    since = serializers.DateTimeField(required=False, help_text="From this slot on; now, unless said.")
    hours = serializers.IntegerField(min_value=1, max_value=336, default=24)


class Prices(PublicView):
    @extend_schema(
        operation_id="market_prices_list",
        parameters=[WindowSerializer],
        responses=PoolPricesSerializer(many=True),
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """The last round's prices, volumes and offers, per pool and hour."""
        asked = checked_query(WindowSerializer, request)
        pools = Pool.objects.filter(pk=asked["pool"]) if "pool" in asked else None
        since = slot_of(asked.get("since", timezone.now()))
        return Response(
            PoolPricesSerializer(pool_prices(pools=pools, since=since, hours=asked["hours"]), many=True).data
        )


class SlotSerializer(serializers.Serializer[None]):
    slot = serializers.DateTimeField(required=False, help_text="One hour; the whole horizon, unless said.")


class PoolDepth(PublicView):
    @extend_schema(
        operation_id="market_depth_retrieve", parameters=[SlotSerializer], responses=DepthSerializer
    )
    def get(self, request: Request, pk: int) -> Response:
        """What the last round left in a pool: unsold units and unmet demand by price, no identities."""
        pool = get_object_or_404(Pool, pk=pk)
        slot = checked_query(SlotSerializer, request).get("slot")
        if last_round() is None:
            return Response({"supply": [], "demand": []})
        return Response(DepthSerializer(depth(pool=pool, slot=slot and slot_of(slot))).data)


class PeriodSerializer(serializers.Serializer[None]):
    days = serializers.IntegerField(min_value=1, max_value=366, default=7)
    step = serializers.ChoiceField(["hour", "day", "week"], default="hour")


class PriceIndex(PublicView):
    @extend_schema(
        operation_id="market_index_list",
        parameters=[
            PeriodSerializer,
            OpenApiParameter("accelerator", str, description="The slug of one accelerator."),
        ],
        responses=IndexSerializer(many=True),
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """Each accelerator's price index: volume-weighted over its pools, 1000 in its first round."""
        asked = checked_query(PeriodSerializer, request)
        now = timezone.now()
        index = price_index(since=now - timedelta(days=asked["days"]), until=now, step=asked["step"])
        only = request.query_params.get("accelerator")
        rows = [
            {"accelerator": accelerator.slug, "levels": levels}
            for accelerator, levels in index.items()
            if only in (None, accelerator.slug)
        ]
        return Response(IndexSerializer(rows, many=True).data)
