import django_filters
from django.db.models import Q, QuerySet
from django.forms import DateInput
from django.utils.translation import gettext_lazy as _

from settlement.payments.models import BankLine

DAY = DateInput(attrs={"type": "date"})


class BankLineFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(label=_("Payer, payee, remark or serial number"), method="search")
    status = django_filters.ChoiceFilter(label=_("Status"), choices=BankLine.Status, empty_label=_("Any"))
    since = django_filters.DateFilter(label=_("From"), widget=DAY, field_name="booked_on", lookup_expr="gte")
    until = django_filters.DateFilter(label=_("Until"), widget=DAY, field_name="booked_on", lookup_expr="lte")

    class Meta:
        model = BankLine
        fields: list[str] = []

    def search(self, lines: QuerySet[BankLine], _name: str, text: str) -> QuerySet[BankLine]:
        return lines.filter(Q(payer__icontains=text) | Q(remark__icontains=text) | Q(serial__icontains=text))
