import django_filters
from django.db.models import QuerySet
from django.forms import DateInput
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation
from settlement.invoices.models import Invoice

DAY = DateInput(attrs={"type": "date"})
SIDES = [("customer", _("We receive")), ("seller", _("Issued in our name"))]


class InvoiceFilter(django_filters.FilterSet):  # type: ignore[misc]
    number = django_filters.CharFilter(label=_("Number"), lookup_expr="icontains")
    side = django_filters.ChoiceFilter(label=_("Side"), choices=SIDES, method="of_side", empty_label=_("Any"))
    series = django_filters.ChoiceFilter(label=_("Document"), choices=Invoice.Series, empty_label=_("Any"))
    contract = django_filters.CharFilter(
        label=_("Contract"), field_name="lines__contract__number", lookup_expr="iexact", distinct=True
    )
    issued_from = django_filters.DateFilter(
        widget=DAY,
        label=pgettext_lazy("invoice", "Issued from"),
        field_name="issued_at",
        lookup_expr="date__gte",
    )
    issued_until = django_filters.DateFilter(
        widget=DAY,
        label=pgettext_lazy("invoice", "Issued until"),
        field_name="issued_at",
        lookup_expr="date__lte",
    )

    class Meta:
        model = Invoice
        fields: list[str] = []

    def __init__(self, data: object, *, queryset: QuerySet[Invoice], organisation: Organisation) -> None:
        super().__init__(data, queryset=queryset)
        self.organisation = organisation

    def of_side(self, invoices: QuerySet[Invoice], _name: str, side: str) -> QuerySet[Invoice]:
        return invoices.filter(**{side: self.organisation})
