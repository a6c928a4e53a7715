import django_filters
from django.db.models import QuerySet
from django.forms import DateInput
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from settlement.contracts.models import Contract

DAY = DateInput(attrs={"type": "date"})
SIDES = [("buyer", _("We buy")), ("provider", _("We provide"))]


class ContractFilter(django_filters.FilterSet):  # type: ignore[misc]
    number = django_filters.CharFilter(label=_("Number"), lookup_expr="icontains")
    side = django_filters.ChoiceFilter(label=_("Side"), choices=SIDES, method="of_side", empty_label=_("Any"))
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=Contract.Kind, empty_label=_("Any"))
    status = django_filters.ChoiceFilter(label=_("Status"), choices=Contract.Status, empty_label=_("Any"))
    opened_from = django_filters.DateFilter(
        widget=DAY, label=_("Opened from"), field_name="opened_at", lookup_expr="date__gte"
    )
    opened_until = django_filters.DateFilter(
        widget=DAY, label=_("Opened until"), field_name="opened_at", lookup_expr="date__lte"
    )

    class Meta:
        model = Contract
        fields: list[str] = []

    def __init__(self, data: object, *, queryset: QuerySet[Contract], organisation: Organisation) -> None:
        super().__init__(data, queryset=queryset)
        self.organisation = organisation

    def of_side(self, contracts: QuerySet[Contract], _name: str, side: str) -> QuerySet[Contract]:
        return contracts.filter(**{side: self.organisation})
