from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Jurisdiction
from accounts.names import local_name
from listings.models import Accelerator, Facility, Hub, LicencePlan
from marketplace.trading.models import Order
from marketplace.trading.terms import HIGHEST_PRICE, LARGEST_QUANTITY, LONGEST_HOURS, BidTerms
from settlement.money import show_yuan, to_fen, to_yuan
from settlement.vouchers.queries import UsableVoucher


class FenField(forms.DecimalField):
    """An amount typed in yuan, cleaned to integer fen."""

    def __init__(self, *, most_fen: int, **kwargs: Any) -> None:
        most = to_yuan(most_fen)
        super().__init__(min_value=Decimal("0.01"), max_value=most, decimal_places=2, **kwargs)

    def clean(self, value: Any) -> int | None:
        yuan = super().clean(value)
        return None if yuan is None else to_fen(yuan)


class SlotField(forms.DateTimeField):
    """An hour in the organisation's zone."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local", "step": 3600})
        super().__init__(widget=widget, **kwargs)


class VoucherField(forms.TypedChoiceField):
    """A voucher of the organisation's, or none; cleaned to its id."""

    def __init__(self, vouchers: Sequence[UsableVoucher]) -> None:
        choices: list[tuple[str, str | Promise]] = [("", _("None: pay all of it from your balance"))]
        for each in vouchers:
            label = _("%(programme)s: %(ratio)s %%, %(left)s left") % {
                "programme": local_name(each.voucher.programme),
                "ratio": f"{each.ratio * 100:g}",
                "left": show_yuan(each.left),
            }
            choices.append((str(each.voucher.pk), label))
        super().__init__(
            label=_("Pay part with a voucher"),
            choices=choices,
            coerce=int,
            empty_value=None,
            required=False,
            help_text=_(
                "Its programme says what it pays for. Your balance holds your part alone;"
                " an affiliate of yours is not bought from."
            ),
        )


class BidForm(forms.Form):
    """The terms of a compute bid. Prices are CNY per unit-hour here, fen in `terms()`."""

    quantity = forms.IntegerField(label=_("Accelerators"), min_value=1, max_value=LARGEST_QUANTITY)
    hours = forms.IntegerField(label=_("Hours in a row"), min_value=1, max_value=LONGEST_HOURS)
    minimum = forms.IntegerField(
        label=_("Minimum accelerators"),
        min_value=1,
        required=False,
        help_text=_("The fewest you would take. Leave it empty for all or none."),
    )
    window_start = SlotField(label=_("Earliest start"))
    window_end = SlotField(
        label=_("Latest end"), help_text=_("The wider the window, the cheaper the start can be.")
    )
    limit_price = FenField(
        label=_("Limit price"),
        most_fen=HIGHEST_PRICE,
        required=False,
        help_text=_("The most you pay on average. You pay the round's prices, never more than your limit."),
    )
    accelerators = forms.ModelMultipleChoiceField(
        label=_("Accelerators you accept"),
        queryset=Accelerator.objects.filter(pools__isnull=False).distinct(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    hubs = forms.MultipleChoiceField(
        label=_("National hubs"), choices=Hub, widget=forms.CheckboxSelectMultiple, required=False
    )
    facility_kinds = forms.MultipleChoiceField(
        label=_("Kinds of facility"),
        choices=Facility.Kind,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    jurisdictions = forms.MultipleChoiceField(
        label=_("Jurisdictions"), choices=Jurisdiction, widget=forms.CheckboxSelectMultiple, required=False
    )
    domestic_only = forms.BooleanField(label=_("Domestic accelerators only"), required=False)
    least_memory_gb = forms.IntegerField(label=_("Least memory"), min_value=0, required=False)
    expires_at = forms.DateTimeField(
        label=_("Give up at"),
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
        required=False,
        help_text=_(
            "Until then an unfilled bid takes part in every round. Empty: until the window is too short."
        ),
    )

    def __init__(self, *args: Any, vouchers: Sequence[UsableVoucher] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if vouchers:
            self.fields["voucher"] = VoucherField(vouchers)
        self.own_limits = []
        for accelerator in self.fields["accelerators"].queryset:  # type: ignore[attr-defined]
            name = f"limit_{accelerator.pk}"
            label = _("Limit price for %(accelerator)s") % {"accelerator": accelerator}
            self.fields[name] = FenField(label=label, most_fen=HIGHEST_PRICE, required=False)
            self.own_limits.append((accelerator, name))

    def accelerator_rows(self) -> list[tuple[Accelerator, bool, forms.BoundField]]:
        """For the page: each accelerator, whether it is ticked, and the field of its own limit price."""
        ticked = {str(getattr(value, "pk", value)) for value in self["accelerators"].value() or []}
        return [(each, str(each.pk) in ticked, self[name]) for each, name in self.own_limits]

    def terms(self, *, without_limit: int | None = None) -> BidTerms:
        """`without_limit` stands in where no limit price is typed yet."""
        data = self.cleaned_data
        return BidTerms(
            quantity=data["quantity"],
            hours=data["hours"],
            minimum=data["minimum"],
            window_start=data["window_start"],
            window_end=data["window_end"],
            limit_price=data["limit_price"] or without_limit,
            accelerators={each.pk: data[f"limit_{each.pk}"] for each in data["accelerators"]},
            hubs=tuple(data["hubs"]),
            facility_kinds=tuple(data["facility_kinds"]),
            jurisdictions=tuple(data["jurisdictions"]),
            domestic_only=data["domestic_only"],
            least_memory_gb=data["least_memory_gb"],
        )


class PlanField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, plan: LicencePlan) -> str:
        return _("%(algorithm)s: %(plan)s, %(price)s a seat") % {
            "algorithm": local_name(plan.algorithm),
            "plan": plan.name,
            "price": show_yuan(plan.price),
        }


class WithLicenceForm(forms.Form):
    """The licence order that a bid is bundled with, if a plan is chosen."""

    prefix = "licence"
    plan = PlanField(
        label=_("Licence plan"),
        queryset=LicencePlan.objects.none(),
        required=False,
        empty_label=_("No licence"),
    )
    seats = forms.IntegerField(
        label=_("Seats"), min_value=1, max_value=LARGEST_QUANTITY, initial=1, required=False
    )
    limit_price = FenField(
        label=_("Limit price of a seat"),
        most_fen=HIGHEST_PRICE,
        required=False,
        help_text=_("The most you pay for a seat. The bid fills only together with these seats."),
    )

    def __init__(
        self,
        *args: Any,
        plans: "QuerySet[LicencePlan]",
        vouchers: Sequence[UsableVoucher] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["plan"].queryset = plans  # type: ignore[attr-defined]
        if vouchers:
            self.fields["voucher"] = VoucherField(vouchers)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        for name in ("seats", "limit_price"):
            if data.get("plan") and name not in self.errors and data.get(name) is None:
                self.add_error(name, _("Give it, or choose no licence."))
        return data

    @property
    def is_wanted(self) -> bool:
        return self.cleaned_data["plan"] is not None

    @property
    def most_it_costs(self) -> int:
        """Fen, without fees; 0 without a licence."""
        data = self.cleaned_data
        return int(data["seats"] * data["limit_price"]) if self.is_wanted else 0


def licence_terms_of(order: Order) -> dict[str, Any]:
    """The form's initial values for another order of seats like this one."""
    return {
        "plan": order.plan_id,
        "seats": order.quantity,
        "limit_price": to_yuan(order.limit_price),
    }


def terms_of(bid: Order, *, raise_by: int = 0) -> dict[str, Any]:
    """The form's initial values for another bid like this one, its limit prices raised by `raise_by` fen."""
    limits = list(bid.limits.all())
    own = {f"limit_{limit.accelerator_id}": to_yuan(limit.limit_price + raise_by) for limit in limits}
    return {
        "quantity": bid.quantity,
        "hours": bid.hours,
        "minimum": None if bid.all_or_none else bid.minimum,
        "window_start": bid.window_start,
        "window_end": bid.window_end,
        "limit_price": None if limits else to_yuan(bid.limit_price + raise_by),
        "accelerators": [limit.accelerator_id for limit in limits],
        "hubs": bid.hubs,
        "facility_kinds": bid.facility_kinds,
        "jurisdictions": bid.jurisdictions,
        "domestic_only": bid.domestic_only,
        "least_memory_gb": bid.least_memory_gb,
        **own,
    }


class LicenceOrderForm(forms.Form):
    seats = forms.IntegerField(label=_("Seats"), min_value=1, max_value=LARGEST_QUANTITY, initial=1)
    minimum = forms.IntegerField(
        label=_("Minimum seats"),
        min_value=1,
        required=False,
        help_text=_("The fewest you would take. Leave it empty for all or none."),
    )
    limit_price = FenField(label=_("Limit price"), most_fen=HIGHEST_PRICE)

    def __init__(
        self, *args: Any, plan: LicencePlan, vouchers: Sequence[UsableVoucher] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if vouchers:
            self.fields["voucher"] = VoucherField(vouchers)
        self.fields["limit_price"].initial = to_yuan(plan.price)
