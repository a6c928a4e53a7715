import datetime
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from settlement.invoices.models import InvoiceProfile
from settlement.invoices.operations import ProfileDetails
from settlement.invoices.period import EARLIEST, LATEST, month_after, start_of

BETWEEN = [MinValueValidator(EARLIEST), MaxValueValidator(LATEST)]


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic at run time
    class Meta:
        model = InvoiceProfile
        fields = [
            "title", "tax_number", "kind", "address", "phone", "bank", "bank_account", "email", "cycle",
        ]  # fmt: skip
        help_texts = {
            "title": _("The legal name, as the tax office has it."),
            "tax_number": _(
                "Mainland China: the unified social credit code of 18 characters. "
                "Elsewhere it may be left empty."
            ),
            "kind": _("A special one lets a general taxpayer deduct the VAT; it needs all fields below."),
            "email": _("Where invoices are announced. Without it, owners and finance are written to."),
            "cycle": _("What is not invoiced yet follows the new choice. Nothing is invoiced twice."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tax_number"].required = False  # The operation knows where one is needed.

    def validate_constraints(self) -> None:
        """Left to the operation, which names the field."""

    def details(self) -> ProfileDetails:
        return ProfileDetails(**self.cleaned_data)


class FapiaoForm(forms.Form):
    number = forms.CharField(
        label=_("Fapiao number"),
        max_length=30,
        help_text=_("20 digits, from the tax authority's platform."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    issued_on = forms.DateField(label=_("Date of the fapiao"), widget=forms.DateInput(attrs={"type": "date"}))


class CostsForm(forms.Form):
    """Whole months of the exchange's zone, both included."""

    since = forms.DateField(
        label=_("From month"),
        input_formats=["%Y-%m"],
        validators=BETWEEN,
        widget=forms.DateInput(attrs={"type": "month"}, format="%Y-%m"),
    )
    until = forms.DateField(
        label=_("To month"),
        input_formats=["%Y-%m"],
        validators=BETWEEN,
        widget=forms.DateInput(attrs={"type": "month"}, format="%Y-%m"),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["until"] < data["since"]:
            self.add_error("until", _("The last month is not before the first."))
        return data

    @property
    def period(self) -> tuple[datetime.datetime, datetime.datetime]:
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        return start_of(since), start_of(month_after(until))
