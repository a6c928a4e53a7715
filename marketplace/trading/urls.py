from django.urls import path, register_converter

from marketplace.trading.views import contracts, market, operator, orders


class Sha256Converter:
    regex = "[0-9a-f]{64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Sha256Converter, "sha256")

app_name = "trading"
urlpatterns = [
    path("", market.home, name="home"),
    path("market/", market.market, name="market"),
    path("market/strip/", market.round_strip, name="round_strip"),
    path("market/pools/<int:pool_id>/", market.pool, name="pool"),
    path("market/rounds/", market.rounds, name="rounds"),
    path("market/rounds/<int:round_id>/", market.round_page, name="round"),
    path("market/documents/<sha256:sha256>.json", market.document, name="document"),
    path("orders/", orders.orders, name="orders"),
    path("orders/new/", orders.new_bid, name="new_bid"),
    path("orders/new/estimate/", orders.bid_estimate, name="bid_estimate"),
    path("orders/licence/<int:plan_id>/", orders.new_licence_order, name="new_licence_order"),
    path("orders/<int:order_id>/", orders.order, name="order"),
    path("orders/<int:order_id>/cancel/", orders.cancel, name="cancel_order"),
    path("contracts/<str:number>/freed-hours/", contracts.offer_freed_hours, name="offer_freed_hours"),
    path("operator/rounds/", operator.rounds, name="operator_rounds"),
]
