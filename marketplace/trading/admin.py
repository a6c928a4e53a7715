"""What an operator may look at. Everything changes through operations, so nothing is edited here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin_site import ReadOnlyAdmin
from marketplace.trading.models import Order, Round, RoundOrder, Trade


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ["pk", "organisation", "kind", "status", "quantity", "limit_price", "placed_at"]
    list_filter = ["kind", "status"]
    list_select_related = ["organisation"]
    date_hierarchy = "placed_at"


@admin.register(Round)
class RoundAdmin(ReadOnlyAdmin):
    list_display = ["pk", "status", "gate_at", "order_count", "matched_count", "welfare", "bound", "error"]
    list_filter = ["status"]
    exclude = ["book", "result"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("book", "result")


@admin.register(RoundOrder)
class RoundOrderAdmin(ReadOnlyAdmin):
    list_display = ["round_id", "order_id", "row", "outcome", "price", "raise_by", "units_available"]
    list_filter = ["outcome"]


@admin.register(Trade)
class TradeAdmin(ReadOnlyAdmin):
    list_display = ["pk", "round_id", "buyer", "provider", "quantity", "starts_at", "total"]
    list_select_related = ["buyer", "provider"]
    date_hierarchy = "traded_at"
