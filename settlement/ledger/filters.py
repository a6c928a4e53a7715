import datetime
from collections.abc import Mapping
from typing import Any

import django_filters
from django.forms import DateInput
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from settlement.ledger.models import ORGANISATION_KINDS, Account, AccountKind, Currency
from settlement.ledger.queries import Statement, currencies_of, statement

DAY = DateInput(attrs={"type": "date"})


class StatementFilter(django_filters.FilterSet):  # type: ignore[misc]
    """One account of an organisation over days of its own zone, both included.

    The currency is asked for only where the organisation has had more than one.
    """

    account = django_filters.ChoiceFilter(
        label=_("Account"),
        field_name="kind",
        choices=[(kind.value, kind.label) for kind in ORGANISATION_KINDS],
        empty_label=None,
    )
    currency = django_filters.ChoiceFilter(label=_("Currency"), empty_label=None)
    since = django_filters.DateFilter(label=_("From"), widget=DAY, method="as_is")
    until = django_filters.DateFilter(label=_("Until"), widget=DAY, method="as_is")

    class Meta:
        model = Account
        fields: list[str] = []

    def __init__(self, data: Mapping[str, Any], *, organisation: Organisation) -> None:
        chosen = {"account": AccountKind.AVAILABLE.value, "currency": Currency.CNY.value} | {**data}
        super().__init__(chosen, queryset=Account.objects.filter(organisation=organisation))
        currencies = currencies_of(organisation)
        if currencies == [Currency.CNY]:
            del self.filters["currency"]
        else:
            self.filters["currency"].extra["choices"] = [(code.value, code.label) for code in currencies]

    def as_is(self, accounts: Any, _name: str, _value: datetime.date) -> Any:
        return accounts

    @property
    def kind(self) -> AccountKind:
        return AccountKind(self._cleaned("account") or AccountKind.AVAILABLE)

    @property
    def chosen_currency(self) -> Currency:
        return Currency(self._cleaned("currency") or Currency.CNY)

    def statement(self) -> Statement:
        until = self._cleaned("until")
        return statement(
            accounts=self.queryset.filter(kind=self.kind, currency=self.chosen_currency),
            since=_midnight(self._cleaned("since")),
            until=_midnight(until + datetime.timedelta(days=1)) if until else None,
        )

    def _cleaned(self, name: str) -> Any:
        self.form.is_valid()  # A value that cannot be read narrows nothing; the form says so.
        return self.form.cleaned_data.get(name)


def _midnight(day: datetime.date | None) -> datetime.datetime | None:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min)) if day else None
