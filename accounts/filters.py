import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEvent, Jurisdiction, Organisation, User


class DateInput(forms.DateInput):
    input_type = "date"


class AuditFilter(django_filters.FilterSet):
    """Who did what, when. The choices are what the trail itself holds."""

    user = django_filters.ModelChoiceFilter(
        label=_("Person"), queryset=User.objects.none(), empty_label=_("Any")
    )
    verb = django_filters.ChoiceFilter(label=_("Action"), empty_label=_("Any"))
    subject_type = django_filters.ChoiceFilter(label=_("Subject"), empty_label=_("Any"))
    since = django_filters.DateFilter(
        label=_("From"),
        field_name="at",
        lookup_expr="date__gte",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    until = django_filters.DateFilter(
        label=_("To"),
        field_name="at",
        lookup_expr="date__lte",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    class Meta:
        model = AuditEvent
        fields = ["user", "verb", "subject_type", "since", "until"]

    def __init__(self, data: QueryDict, queryset: QuerySet[AuditEvent]) -> None:
        super().__init__(data, queryset=queryset)
        trail = queryset.order_by()
        self.filters["user"].queryset = User.objects.filter(pk__in=trail.values("user"))
        verbs = trail.values_list("verb", flat=True).distinct()
        self.filters["verb"].extra["choices"] = sorted(
            (verb, AuditEvent(verb=verb).verb_label) for verb in verbs
        )
        types = trail.values_list("subject_type", flat=True).distinct()
        self.filters["subject_type"].extra["choices"] = sorted(
            (name, AuditEvent(subject_type=name).subject_label) for name in types
        )


class OrganisationFilter(django_filters.FilterSet):
    search = django_filters.CharFilter(
        label=_("Name or number"), method="matching", widget=forms.TextInput(attrs={"type": "search"})
    )
    verification = django_filters.ChoiceFilter(
        label=_("Verification"), choices=Organisation.Verification.choices, empty_label=_("Any")
    )
    jurisdiction = django_filters.ChoiceFilter(
        label=_("Jurisdiction"), choices=Jurisdiction.choices, empty_label=_("Any")
    )

    class Meta:
        model = Organisation
        fields = ["search", "verification", "jurisdiction"]

    def matching(self, queryset: QuerySet[Organisation], _name: str, words: str) -> QuerySet[Organisation]:
        return queryset.filter(
            Q(name_en__icontains=words)
            | Q(name_zh__icontains=words)
            | Q(registration_number__icontains=words)
        )
