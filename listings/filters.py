"""What the public tables can be narrowed down by. The choices stay in the address."""

from typing import Any

import django_filters
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from listings.models import Algorithm, LicencePlan, Modality, Task
from listings.queries import known_stacks

SORTS = [("name", _("Name")), ("price", _("Lowest price")), ("newest", _("Newest"))]
COMMERCIAL = [("true", _("Allowed"))]


class AlgorithmFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Commercial use and price are asked of one plan: a dear commercial one does not make a cheap one fit."""

    q = django_filters.CharFilter(label=_("Name or publisher"), method="search")
    task = django_filters.ChoiceFilter(label=_("Task"), choices=Task, empty_label=_("Any"))
    modality = django_filters.ChoiceFilter(label=_("Modality"), choices=Modality, empty_label=_("Any"))
    stack = django_filters.ChoiceFilter(
        label=_("Software stack"), method="runs_on", empty_label=_("Any"), choices=[]
    )
    commercial = django_filters.ChoiceFilter(
        label=_("Commercial use"), choices=COMMERCIAL, method="as_is", empty_label=_("Any")
    )
    price = django_filters.NumberFilter(label=_("At most (CNY)"), min_value=0, method="as_is")
    sort = django_filters.ChoiceFilter(label=_("Order by"), choices=SORTS, method="as_is", empty_label=None)

    class Meta:
        model = Algorithm
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["stack"].extra["choices"] = [(stack, stack) for stack in known_stacks()]

    def search(self, algorithms: QuerySet[Algorithm], _name: str, text: str) -> QuerySet[Algorithm]:
        return algorithms.filter(
            Q(name_en__icontains=text)
            | Q(name_zh__icontains=text)
            | Q(publisher__name_en__icontains=text)
            | Q(publisher__name_zh__icontains=text)
        )

    def runs_on(self, algorithms: QuerySet[Algorithm], _name: str, stack: str) -> QuerySet[Algorithm]:
        return algorithms.filter(
            pk__in=Algorithm.objects.filter(versions__stacks__contains=[stack]).values("pk")
        )

    def as_is(self, algorithms: QuerySet[Algorithm], _name: str, _value: object) -> QuerySet[Algorithm]:
        return algorithms

    def filter_queryset(self, queryset: QuerySet[Algorithm]) -> QuerySet[Algorithm]:
        algorithms: QuerySet[Algorithm] = super().filter_queryset(queryset)
        chosen = self.form.cleaned_data
        plans = LicencePlan.objects.filter(status=LicencePlan.Status.LISTED)
        if chosen.get("commercial"):
            plans = plans.filter(commercial=True)
        if chosen.get("price") is not None:
            plans = plans.filter(price__lte=int(chosen["price"] * 100))
        if chosen.get("commercial") or chosen.get("price") is not None:
            algorithms = algorithms.filter(pk__in=plans.values("algorithm"))
        order: dict[str, Any] = {"price": F("lowest_price").asc(nulls_last=True), "newest": "-created_at"}
        return algorithms.order_by(order.get(chosen.get("sort", ""), "name_en"), "pk")
