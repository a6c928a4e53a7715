import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from settlement.licences.models import Licence

SIDES = [("contract__buyer", _("We hold")), ("contract__provider", _("Others hold of us"))]


class LicenceFilter(django_filters.FilterSet):  # type: ignore[misc]
    number = django_filters.CharFilter(
        label=_("Number"), field_name="contract__number", lookup_expr="icontains"
    )
    status = django_filters.ChoiceFilter(label=_("Status"), choices=Licence.Status, empty_label=_("Any"))

    class Meta:
        model = Licence
        fields: list[str] = []


class OwnLicenceFilter(LicenceFilter):
    side = django_filters.ChoiceFilter(label=_("Side"), choices=SIDES, method="of_side", empty_label=_("Any"))

    def __init__(self, data: object, *, queryset: QuerySet[Licence], organisation: Organisation) -> None:
        super().__init__(data, queryset=queryset)
        self.organisation = organisation

    def of_side(self, licences: QuerySet[Licence], _name: str, side: str) -> QuerySet[Licence]:
        return licences.filter(**{side: self.organisation})
