"""Orders, trades, rounds and market data as the API shows and takes them. Money is whole fen, in `_fen`."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.models import Jurisdiction
from listings.models import Facility, Hub
from marketplace.trading.models import Order, OrderLimit, Round, RoundOrder, Trade
from marketplace.trading.terms import BidTerms


class LimitSerializer(serializers.Serializer[None]):
    accelerator = serializers.IntegerField(help_text="The id of an accelerator that you accept.")
    limit_price_fen = serializers.IntegerField(
        min_value=1,
        allow_null=True,
        default=None,
        help_text="Its own limit per unit-hour; null: the common one.",
    )


BID = {
    "quantity": 8,
    "hours": 24,
    "window_start": "2026-12-01T00:00:00Z",
    "window_end": "2026-12-04T00:00:00Z",
    "limit_price_fen": 1200,
    "hubs": ["greater_bay"],
}


@extend_schema_serializer(examples=[OpenApiExample("Eight units for a day", value=BID)])
class BidTermsSerializer(serializers.Serializer[None]):
    """What a bid asks for: `quantity` units for `hours` consecutive hours inside the window, in one pool."""

    quantity = serializers.IntegerField(min_value=1, help_text="Units.")
    minimum = serializers.IntegerField(
        min_value=1,
        allow_null=True,
        default=None,
        help_text="The fewest units you would take; null: all or none.",
    )
    hours = serializers.IntegerField(min_value=1)
    window_start = serializers.DateTimeField(help_text="The earliest start, on the hour, UTC.")
    window_end = serializers.DateTimeField(help_text="The latest end, on the hour, UTC.")
    limit_price_fen = serializers.IntegerField(
        min_value=1, allow_null=True, default=None, help_text="The most you pay per unit-hour."
    )
    accelerators = LimitSerializer(many=True, default=list, help_text="Those you accept; none named: any.")
    hubs = serializers.ListField(child=serializers.ChoiceField(Hub.choices), default=list)
    facility_kinds = serializers.ListField(child=serializers.ChoiceField(Facility.Kind.choices), default=list)
    jurisdictions = serializers.ListField(child=serializers.ChoiceField(Jurisdiction.choices), default=list)
    domestic_only = serializers.BooleanField(default=False)
    least_memory_gb = serializers.IntegerField(min_value=1, allow_null=True, default=None)


@extend_schema_serializer(
    examples=[
        OpenApiExample("Eight units for a day", value=BID),
        OpenApiExample(
            "Either of two models, each at its own limit",
            value={
                "quantity": 16,
                "minimum": 8,
                "hours": 12,
                "window_start": "2026-12-01T00:00:00Z",
                "window_end": "2026-12-02T00:00:00Z",
                "accelerators": [
                    {"accelerator": 1, "limit_price_fen": 1500},
                    {"accelerator": 2, "limit_price_fen": 900},
                ],
            },
        ),
    ]
)
class NewBidSerializer(BidTermsSerializer):
    expires_at = serializers.DateTimeField(
        allow_null=True, default=None, help_text="Null: when its window leaves no start."
    )
    voucher = serializers.IntegerField(
        allow_null=True, default=None, help_text="The id of a voucher of yours that pays part of it."
    )


def terms_of(asked: dict[str, Any]) -> BidTerms:
    return BidTerms(
        quantity=asked["quantity"],
        minimum=asked["minimum"],
        hours=asked["hours"],
        window_start=asked["window_start"],
        window_end=asked["window_end"],
        limit_price=asked["limit_price_fen"],
        accelerators={each["accelerator"]: each["limit_price_fen"] for each in asked["accelerators"]},
        hubs=tuple(asked["hubs"]),
        facility_kinds=tuple(asked["facility_kinds"]),
        jurisdictions=tuple(asked["jurisdictions"]),
        domestic_only=asked["domestic_only"],
        least_memory_gb=asked["least_memory_gb"],
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Two seats", value={"plan": 1, "seats": 2, "limit_price_fen": 500_000})]
)
class NewLicenceOrderSerializer(serializers.Serializer[None]):
    plan = serializers.IntegerField(help_text="The id of a licence plan.")
    seats = serializers.IntegerField(min_value=1)
    limit_price_fen = serializers.IntegerField(min_value=1, help_text="The most you pay per seat.")
    minimum = serializers.IntegerField(min_value=1, allow_null=True, default=None)
    expires_at = serializers.DateTimeField(allow_null=True, default=None)
    voucher = serializers.IntegerField(
        allow_null=True, default=None, help_text="The id of a voucher of yours that pays part of it."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Eight units for a day, and a seat to run on them",
            value={"bid": BID, "licence_order": {"plan": 1, "seats": 1, "limit_price_fen": 500_000}},
        )
    ]
)
class NewBundleSerializer(serializers.Serializer[None]):
    """A bid and a licence order, both or neither. The earlier expiry counts for both."""

    bid = NewBidSerializer()
    licence_order = NewLicenceOrderSerializer()


class PoolEstimateSerializer(serializers.Serializer[Any]):
    pool = serializers.IntegerField(source="pool.pk")
    facility = serializers.CharField(source="pool.facility.name_en")
    accelerator = serializers.CharField(source="pool.accelerator.slug")
    limit_price_fen = serializers.IntegerField(source="limit_price")
    starts_at = serializers.DateTimeField(allow_null=True)
    cost_fen = serializers.IntegerField(source="cost", allow_null=True)
    units = serializers.IntegerField()
    within_limit = serializers.BooleanField()


class EstimateSerializer(serializers.Serializer[Any]):
    most_it_can_cost_fen = serializers.IntegerField(source="most_it_can_cost")
    priced_by_round = serializers.IntegerField(source="priced_by.pk", allow_null=True, default=None)
    pools = PoolEstimateSerializer(many=True)


class OrderLimitSerializer(serializers.ModelSerializer[OrderLimit]):
    limit_price_fen = serializers.IntegerField(source="limit_price")

    class Meta:
        model = OrderLimit
        fields = ("accelerator", "limit_price_fen")


class OrderSerializer(serializers.ModelSerializer[Order]):
    limit_price_fen = serializers.IntegerField(source="limit_price")
    accelerators = OrderLimitSerializer(many=True, source="limits")
    held_fen = serializers.IntegerField(source="hold.amount", help_text="The most it can cost.")
    by_voucher_fen = serializers.IntegerField(
        source="hold.funded", help_text="Of what is held, the part that a voucher bears."
    )

    class Meta:
        model = Order
        fields = (
            "id",
            "kind",
            "status",
            "quantity",
            "minimum",
            "limit_price_fen",
            "hours",
            "window_start",
            "window_end",
            "accelerators",
            "hubs",
            "facility_kinds",
            "jurisdictions",
            "domestic_only",
            "least_memory_gb",
            "plan",
            "bundled_with",
            "held_fen",
            "by_voucher_fen",
            "placed_at",
            "expires_at",
            "ended_at",
            "filled_quantity",
        )


class ExplanationSerializer(serializers.Serializer[Any]):
    """What the last round decided about the order, and what would have filled it."""

    round = serializers.IntegerField(source="round.pk", allow_null=True, default=None)
    outcome = serializers.ChoiceField(RoundOrder.Outcome.choices, allow_null=True)
    reason = serializers.CharField()
    remedy = serializers.CharField(allow_blank=True)
    pool = serializers.IntegerField(source="pool.pk", allow_null=True, default=None)
    starts_at = serializers.DateTimeField(allow_null=True)
    price_fen = serializers.IntegerField(source="price", allow_null=True)
    raise_by_fen = serializers.IntegerField(source="raise_by", allow_null=True)
    units_available = serializers.IntegerField(allow_null=True)


class OrderDetailSerializer(OrderSerializer):
    explanation = ExplanationSerializer(read_only=True)

    class Meta(OrderSerializer.Meta):
        fields = (*OrderSerializer.Meta.fields, "explanation")  # type: ignore[assignment]


class BundleSerializer(serializers.Serializer[Any]):
    bid = OrderDetailSerializer()
    licence_order = OrderDetailSerializer()


class TradeSerializer(serializers.ModelSerializer[Trade]):
    contract = serializers.CharField(source="contract.number")
    prices_fen = serializers.ListField(child=serializers.IntegerField(), source="prices")
    total_fen = serializers.IntegerField(source="total")

    class Meta:
        model = Trade
        fields = (
            "id",
            "round",
            "order",
            "contract",
            "pool",
            "plan",
            "quantity",
            "starts_at",
            "ends_at",
            "prices_fen",
            "total_fen",
            "traded_at",
        )


class RoundSerializer(serializers.ModelSerializer[Round]):
    value_fen = serializers.IntegerField(source="value")
    welfare_fen = serializers.IntegerField(source="welfare", allow_null=True)
    bound_fen = serializers.IntegerField(source="bound", allow_null=True)
    baseline_welfare_fen = serializers.IntegerField(
        source="baseline_welfare", allow_null=True, help_text="Of first come, first served on the same book."
    )

    class Meta:
        model = Round
        fields = (
            "id",
            "status",
            "gate_at",
            "closed_at",
            "settled_at",
            "horizon_start",
            "slots",
            "order_count",
            "matched_count",
            "unit_hours",
            "value_fen",
            "welfare_fen",
            "bound_fen",
            "baseline_welfare_fen",
            "book_sha256",
            "result_sha256",
        )


class HourPriceSerializer(serializers.Serializer[Any]):
    slot = serializers.DateTimeField()
    price_fen = serializers.IntegerField(source="price", allow_null=True)
    volume = serializers.IntegerField(help_text="Units traded.")
    offered = serializers.IntegerField(help_text="Units offered at the gate.")


class PoolPricesSerializer(serializers.Serializer[Any]):
    pool = serializers.IntegerField(source="pool.pk")
    facility = serializers.CharField(source="pool.facility.name_en")
    accelerator = serializers.CharField(source="pool.accelerator.slug")
    hours = HourPriceSerializer(many=True)


class LevelSerializer(serializers.Serializer[Any]):
    price_fen = serializers.IntegerField(source="price")
    quantity = serializers.IntegerField(help_text="Unit-hours; units where one slot is asked for.")
    orders = serializers.IntegerField()


class DepthSerializer(serializers.Serializer[Any]):
    supply = LevelSerializer(many=True)
    demand = LevelSerializer(many=True)


class IndexLevelSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    price_fen = serializers.DecimalField(source="price", max_digits=20, decimal_places=2)
    level = serializers.DecimalField(max_digits=20, decimal_places=2, help_text="1000 in its first round.")
    unit_hours = serializers.IntegerField()


class IndexSerializer(serializers.Serializer[Any]):
    accelerator = serializers.CharField()
    levels = IndexLevelSerializer(many=True)
