"""How they meet: orders, the rounds that clear them, what each round gave each order, trades and prices."""

from marketplace.trading.models.freed_hours import FreedHours, PromisedHour
from marketplace.trading.models.market import IndexPoint, PriceCurve
from marketplace.trading.models.order import Order, OrderLimit, OrderQuerySet
from marketplace.trading.models.round import Round, RoundOrder, RoundQuerySet
from marketplace.trading.models.trade import Allocation, Trade, TradeQuerySet

__all__ = [
    "Allocation",
    "FreedHours",
    "IndexPoint",
    "Order",
    "OrderLimit",
    "OrderQuerySet",
    "PriceCurve",
    "PromisedHour",
    "Round",
    "RoundOrder",
    "RoundQuerySet",
    "Trade",
    "TradeQuerySet",
]
