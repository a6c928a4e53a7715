"""What the tables can be narrowed down by. The choices stay in the address."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.forms import DateInput, TextInput
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import Jurisdiction
from listings.models import Accelerator, Facility, Hub, Pool
from listings.places import cities_called
from marketplace.trading.models import Order, Round

SORTS = [
    ("accelerator", _("Accelerator")),
    ("facility", _("Facility")),
    ("price", _("Lowest price")),
    ("volume", _("Most traded")),
    ("unsold", _("Most unsold")),
]
SPANS = [("24", _("1 day")), ("72", _("3 days")), ("168", _("7 days")), ("336", _("14 days"))]
DEFAULT_SPAN = 72
DAY = DateInput(attrs={"type": "date"})
DOMESTIC = [("True", _("Domestic")), ("False", _("Imported"))]


class PoolFilter(django_filters.FilterSet):  # type: ignore[misc]
    """`hours` and `sort` say how the pools are shown; they leave the queryset as it is."""

    q = django_filters.CharFilter(
        label=_("Facility or city"), method="search", widget=TextInput(attrs={"type": "search"})
    )
    accelerator = django_filters.ModelChoiceFilter(
        label=_("Accelerator"),
        queryset=Accelerator.objects.all(),
        to_field_name="slug",
        empty_label=_("Any"),
    )
    hub = django_filters.ChoiceFilter(
        label=_("National hub"), field_name="facility__hub", choices=Hub, empty_label=_("Any")
    )
    kind = django_filters.ChoiceFilter(
        label=_("Kind of facility"), field_name="facility__kind", choices=Facility.Kind, empty_label=_("Any")
    )
    jurisdiction = django_filters.ChoiceFilter(
        label=_("Jurisdiction"),
        field_name="facility__jurisdiction",
        choices=Jurisdiction,
        empty_label=_("Any"),
    )
    domestic = django_filters.ChoiceFilter(
        label=_("Accelerator's origin"),
        field_name="accelerator__domestic",
        choices=DOMESTIC,
        empty_label=_("Any"),
    )
    memory = django_filters.NumberFilter(
        label=_("Least memory (GB)"), field_name="accelerator__memory_gb", lookup_expr="gte", min_value=0
    )
    hours = django_filters.ChoiceFilter(
        label=_("Hours ahead"), choices=SPANS, method="as_is", empty_label=None
    )
    sort = django_filters.ChoiceFilter(label=_("Order by"), choices=SORTS, method="as_is", empty_label=None)

    class Meta:
        model = Pool
        fields: list[str] = []

    def __init__(self, data: QueryDict, **kwargs: Any) -> None:
        shown = data.copy()
        shown.setdefault("hours", str(DEFAULT_SPAN))
        super().__init__(shown, **kwargs)

    def search(self, pools: QuerySet[Pool], _name: str, text: str) -> QuerySet[Pool]:
        return pools.filter(
            Q(facility__name_en__icontains=text)
            | Q(facility__name_zh__icontains=text)
            | Q(facility__city__icontains=text)
            | Q(facility__city__in=cities_called(text))
        )

    def as_is(self, pools: QuerySet[Pool], _name: str, _value: str) -> QuerySet[Pool]:
        return pools

    @property
    def span(self) -> int:
        """Hours ahead to show."""
        return (
            int(self.form.cleaned_data.get("hours") or DEFAULT_SPAN) if self.form.is_valid() else DEFAULT_SPAN
        )

    @property
    def order(self) -> str:
        return (self.form.cleaned_data.get("sort") if self.form.is_valid() else "") or SORTS[0][0]


class OrderFilter(django_filters.FilterSet):  # type: ignore[misc]
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=Order.Kind, empty_label=_("Any"))
    status = django_filters.ChoiceFilter(label=_("Status"), choices=Order.Status, empty_label=_("Any"))
    placed_from = django_filters.DateFilter(
        widget=DAY, label=_("Placed from"), field_name="placed_at", lookup_expr="date__gte"
    )
    placed_until = django_filters.DateFilter(
        widget=DAY, label=_("Placed until"), field_name="placed_at", lookup_expr="date__lte"
    )

    class Meta:
        model = Order
        fields: list[str] = []


class RoundFilter(django_filters.FilterSet):  # type: ignore[misc]
    status = django_filters.ChoiceFilter(label=_("Status"), choices=Round.Status, empty_label=_("Any"))

    class Meta:
        model = Round
        fields: list[str] = []
