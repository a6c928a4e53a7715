"""What providers and publishers type. Forms read; the operations decide."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from listings.capacity_csv import MOST_BYTES
from listings.models import Accelerator, Algorithm, Facility, LicencePlan
from listings.queries import known_stacks
from listings.uploads import FORMATS


class YuanField(forms.DecimalField):
    """An amount typed in CNY, cleaned to integer fen; an initial value is in fen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=Decimal("0.01"), max_digits=14, decimal_places=2, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return Decimal(value).scaleb(-2) if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        yuan = super().clean(value)
        return None if yuan is None else int(yuan * 100)


class HourField(forms.DateTimeField):
    """An hour in the organisation's zone."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local", "step": 3600})
        super().__init__(widget=widget, **kwargs)


class FacilityForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Facility
        fields = ["name_zh", "name_en", "kind", "city", "hub", "jurisdiction", "pue", "green_percent"]


class PoolForm(forms.Form):
    accelerator = forms.ModelChoiceField(label=_("Accelerator"), queryset=Accelerator.objects.all())
    units = forms.IntegerField(label=_("Units"), min_value=1)


class ResizeForm(forms.Form):
    units = forms.IntegerField(label=_("Units"), min_value=1)


class CapacityForm(forms.Form):
    units = forms.IntegerField(label=_("Units"), min_value=1)
    starts_at = HourField(label=_("From"), help_text=_("On the hour, in your organisation's time zone."))
    ends_at = HourField(label=_("Until"))
    reserve_price = YuanField(
        label=_("Reserve price"), help_text=_("The least an hour of a unit sells for. Rounds may pay more.")
    )


class UploadForm(forms.Form):
    file = forms.FileField(label=_("CSV file"), widget=forms.ClearableFileInput(attrs={"accept": ".csv"}))

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(
                _("The file is larger than %(most)s MB."), params={"most": MOST_BYTES // 1_000_000}
            )
        return file


class AlgorithmForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Algorithm
        fields = ["name_zh", "name_en", "task", "modality", "filing_number", "data_class", "card"]
        widgets = {"card": forms.Textarea(attrs={"rows": 14, "class": "font-monospace"})}
        help_texts = {
            "filing_number": _(
                "A generative service offered to the public in mainland China is filed with the Cyberspace "
                "Administration: give the filing's number."
            ),
            "data_class": _("Important and core data stay in the mainland; personal information in China."),
            "card": _("What it is for, how it was trained and tested, where it fails. No HTML, no images."),
        }


class VersionForm(forms.Form):
    """Either a file, or a reference with its hash and size."""

    number = forms.CharField(label=_("Version"), max_length=40, help_text=_("Such as 1.2.0."))
    file = forms.FileField(label=_("File"), required=False)
    reference = forms.URLField(
        label=_("Or a reference"), required=False, assume_scheme="https", help_text=_("An HTTPS address.")
    )
    sha256 = forms.CharField(label=_("SHA-256 of the referenced file"), required=False, max_length=64)
    size_bytes = forms.IntegerField(label=_("Size of the referenced file"), required=False, min_value=1)
    stacks = forms.MultipleChoiceField(
        label=_("Software stacks it runs on"), widget=forms.CheckboxSelectMultiple
    )
    accelerators = forms.ModelMultipleChoiceField(
        label=_("Accelerators it has been run on"),
        queryset=Accelerator.objects.all(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stacks"].choices = [(stack, stack) for stack in known_stacks()]  # type: ignore[attr-defined]
        self.fields["file"].widget.attrs["accept"] = ",".join(FORMATS)
        self.fields["file"].help_text = _("One of: %(formats)s. Its SHA-256 is computed here.") % {
            "formats": ", ".join(FORMATS)
        }


class PlanForm(forms.ModelForm):  # type: ignore[type-arg]
    price = YuanField(label=_("Price per seat"))

    class Meta:
        model = LicencePlan
        fields = [
            "name",
            "kind",
            "term_days",
            "calls",
            "price",
            "supply",
            "binding",
            "territory",
            "commercial",
            "derivatives",
        ]
        help_texts = {
            "term_days": _("For a term licence."),
            "calls": _("For a per-call licence."),
            "supply": _("Leave it empty for an unlimited supply."),
            "binding": _("A floating seat goes to whoever runs; a node-locked one stays with its machine."),
        }
