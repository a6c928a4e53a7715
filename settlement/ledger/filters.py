import datetime
from collections.abc import Mapping
from typing import Any

import django_filters
from django.forms import DateInput
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from settlement.ledger.models import ORGANISATION_KINDS, Account, AccountKind, Currency
from settlement.ledger.queries import Statement, statement

DAY = DateInput(attrs={"type": "date"})


class StatementFilter(django_filters.FilterSet):  # type: ignore[misc]
    """One account of an organisation over days of its own zone, both included."""

    account = django_filters.ChoiceFilter(
        label=_("Account"),
        field_name="kind",
        choices=[(kind.value, kind.label) for kind in ORGANISATION_KINDS],
        empty_label=None,
    )
    since = django_filters.DateFilter(label=_("From"), widget=DAY, method="as_is")
    until = django_filters.DateFilter(label=_("Until"), widget=DAY, method="as_is")

    class Meta:
        model = Account
        fields: list[str] = []

    def __init__(self, data: Mapping[str, Any], *, organisation: Organisation) -> None:
        chosen = {"account": AccountKind.AVAILABLE.value} | {key: data[key] for key in data}
        accounts = Account.objects.filter(organisation=organisation, currency=Currency.CNY)
        super().__init__(chosen, queryset=accounts)

    def as_is(self, accounts: Any, _name: str, _value: datetime.date) -> Any:
        return accounts

    @property
    def kind(self) -> AccountKind:
        return AccountKind(self._cleaned("account") or AccountKind.AVAILABLE)

    def statement(self) -> Statement:
        until = self._cleaned("until")
        return statement(
            accounts=self.queryset.filter(kind=self.kind),
            since=_midnight(self._cleaned("since")),
            until=_midnight(until + datetime.timedelta(days=1)) if until else None,
        )

    def _cleaned(self, name: str) -> Any:
        self.form.is_valid()  # A value that cannot be read narrows nothing; the form says so.
        return self.form.cleaned_data.get(name)


def _midnight(day: datetime.date | None) -> datetime.datetime | None:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min)) if day else None
