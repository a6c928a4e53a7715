from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from accounts.names import local_name
from listings.forms import YuanField
from settlement.payments.csv_table import decode
from settlement.payments.errors import BadStatement

LARGEST_FILE = 5 * 2**20


class OrganisationField(forms.ModelChoiceField):  # type: ignore[type-arg]  # no generic at run time
    def label_from_instance(self, organisation: Organisation) -> str:
        return local_name(organisation)


class BankFileField(forms.FileField):
    """A CSV file that a bank exported, cleaned to its text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}), **kwargs)

    def clean(self, data: Any, initial: Any = None) -> str:
        upload = super().clean(data, initial)
        if upload.size > LARGEST_FILE:
            raise ValidationError(_("The file is larger than 5 MB: split it by date."))
        try:
            return decode(upload.read())
        except BadStatement as refusal:
            raise ValidationError(str(refusal)) from None


def one_time_key() -> str:
    return str(uuid4())


class AmountForm(forms.Form):
    amount = YuanField(label=_("Amount"))


class SentOnceForm(AmountForm):
    """A form that moves money: sent twice, it moves it once."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=36, initial=one_time_key)
