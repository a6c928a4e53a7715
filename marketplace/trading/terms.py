"""What a compute bid asks for: the terms that placing and estimating share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.errors import InvalidInput
from listings.queries import Requirements
from listings.slots import SLOT, is_slot

LARGEST_QUANTITY = 100_000
LONGEST_HOURS = 8_784
HIGHEST_PRICE = 100_000_000  # fen: a million CNY per unit-hour or seat


@dataclass(frozen=True, kw_only=True)
class BidTerms:
    """`quantity` units for `hours` consecutive slots inside [window_start, window_end), in one pool.

    Prices are fen per unit-hour. `accelerators` maps the id of each accepted accelerator to its own limit
    price, or to None for `limit_price`; an empty mapping accepts any at `limit_price`. No `minimum`: all or
    none. The other fields narrow the pools down; empty, they do not.
    """

    quantity: int
    hours: int
    window_start: datetime
    window_end: datetime
    limit_price: int | None = None
    minimum: int | None = None
    accelerators: Mapping[int, int | None] = field(default_factory=dict)
    hubs: tuple[str, ...] = ()
    facility_kinds: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    domestic_only: bool = False
    least_memory_gb: int | None = None

    def check(self, *, now: datetime) -> None:
        """Raise InvalidInput, with what to change, unless the terms can be placed."""
        if not 1 <= self.quantity <= LARGEST_QUANTITY:
            raise InvalidInput(_("Ask for 1 to %(most)s units.") % {"most": LARGEST_QUANTITY})
        if not 1 <= self.least_quantity <= self.quantity:
            raise InvalidInput(
                _("The minimum must be between 1 and the %(units)s units asked for.")
                % {"units": self.quantity}
            )
        if not 1 <= self.hours <= LONGEST_HOURS:
            raise InvalidInput(_("Ask for 1 to %(most)s hours.") % {"most": LONGEST_HOURS})
        if not (is_slot(self.window_start) and is_slot(self.window_end)):
            raise InvalidInput(_("The window must start and end on the hour (UTC)."))
        if self.window_end - self.window_start < self.hours * SLOT:
            raise InvalidInput(
                _("The window is shorter than the hours asked for: widen it or ask for fewer hours.")
            )
        if self.window_end - self.hours * SLOT <= now:
            raise InvalidInput(_("The window leaves no time to start: let it end later."))
        if self.limit_price is None and (not self.accelerators or None in self.accelerators.values()):
            raise InvalidInput(_("Give a limit price: one for all, or one for each accelerator."))
        if not all(1 <= price <= HIGHEST_PRICE for price in self._prices()):
            raise InvalidInput(
                _("A limit price must be more than 0 and at most %(most)s CNY.")
                % {"most": HIGHEST_PRICE // 100}
            )

    @property
    def least_quantity(self) -> int:
        return self.quantity if self.minimum is None else self.minimum

    @property
    def highest_limit(self) -> int:
        """The most the bid pays per unit-hour anywhere."""
        return max(self._prices())

    @property
    def most_it_costs(self) -> int:
        return self.quantity * self.hours * self.highest_limit

    def limit_for(self, accelerator_id: int) -> int:
        """The limit price for an accepted accelerator."""
        own = self.accelerators.get(accelerator_id)
        return own if own is not None else self._common_limit()

    def requirements(self) -> Requirements:
        return Requirements(
            accelerators=list(self.accelerators),
            hubs=self.hubs,
            facility_kinds=self.facility_kinds,
            jurisdictions=self.jurisdictions,
            domestic_only=self.domestic_only,
            least_memory_gb=self.least_memory_gb,
        )

    def _common_limit(self) -> int:
        assert self.limit_price is not None, "check() refuses terms without a price"
        return self.limit_price

    def _prices(self) -> list[int]:
        own = [price for price in self.accelerators.values() if price is not None]
        needs_common = not self.accelerators or len(own) < len(self.accelerators)
        common = [self.limit_price] if needs_common and self.limit_price is not None else []
        return own + common
