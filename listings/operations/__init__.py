"""The verbs that change listings. Keyword-only, one transaction each; `now` is an argument."""

from listings.operations.sales import HourSale, freeze_capacities, sell_hours, sell_seats, thaw_capacities

__all__ = ["HourSale", "freeze_capacities", "sell_hours", "sell_seats", "thaw_capacities"]
