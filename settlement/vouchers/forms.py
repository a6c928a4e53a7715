import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from accounts.names import local_name
from listings.forms import YuanField
from listings.models import Accelerator
from settlement.contracts.models import Contract
from settlement.fields import FilesField
from settlement.ledger.models import Currency
from settlement.vouchers.models import Programme
from settlement.vouchers.operations import Rules

LONGEST = 10_000
ONE_DAY = datetime.timedelta(days=1)


class OrganisationField(forms.ModelChoiceField):  # type: ignore[type-arg]  # no generic at run time
    def label_from_instance(self, organisation: Organisation) -> str:
        return f"{local_name(organisation)} ({organisation.registration_number})"


class DayField(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **kwargs)


class ProgrammeForm(forms.Form):
    """A programme's rules in yuan, per cent and days of its zone; fen and basis points in `rules()`."""

    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=100)
    name_en = forms.CharField(label=_("Name in English"), max_length=100)
    budget = YuanField(label=_("Budget"), help_text=_("Moves from your available balance when you open it."))
    cap = YuanField(label=_("Most per firm and year"))
    currency = forms.ChoiceField(label=_("Currency"), choices=Currency)
    starts_on = DayField(label=_("First day"))
    ends_on = DayField(
        label=_("Last day"), help_text=_("Hours are paid for until its end; vouchers end with their year.")
    )
    kinds = forms.MultipleChoiceField(
        label=_("Pays for"), choices=Contract.Kind, widget=forms.CheckboxSelectMultiple
    )
    domestic_only = forms.BooleanField(label=_("Domestic accelerators only"), required=False)
    accelerators = forms.ModelMultipleChoiceField(
        label=_("These accelerators only"),
        queryset=Accelerator.objects.all(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("Nothing ticked: any."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for tier in Organisation.Tier:
            self.fields[self._ratio(tier)] = forms.DecimalField(
                label=tier.label, min_value=Decimal("0.01"), max_value=100, decimal_places=2, required=False
            )

    @staticmethod
    def _ratio(tier: str) -> str:
        return f"ratio_{tier}"

    def ratio_fields(self) -> list[forms.BoundField]:
        return [self[self._ratio(tier)] for tier in Organisation.Tier]

    def rules(self) -> Rules:
        data = self.cleaned_data
        ratios = {tier.value: data[self._ratio(tier)] for tier in Organisation.Tier}
        return Rules(
            name_zh=data["name_zh"],
            name_en=data["name_en"],
            budget=data["budget"],
            cap=data["cap"],
            currency=data["currency"],
            starts_at=_midnight(data["starts_on"]),
            ends_at=_midnight(data["ends_on"] + ONE_DAY),
            kinds=data["kinds"],
            domestic_only=data["domestic_only"],
            accelerators=[each.pk for each in data["accelerators"]],
            ratios={tier: int(ratio * 100) for tier, ratio in ratios.items() if ratio is not None},
        )


def _midnight(day: datetime.date) -> datetime.datetime:
    return make_aware(datetime.datetime.combine(day, datetime.time.min))


def rules_of(programme: Programme) -> dict[str, Any]:
    """The form's initial values for a draft."""
    ratios = {
        f"ratio_{each.tier}": Decimal(each.ratio_basis_points).scaleb(-2) for each in programme.tiers.all()
    }
    return {
        "name_zh": programme.name_zh,
        "name_en": programme.name_en,
        "budget": programme.budget,
        "cap": programme.cap,
        "currency": programme.currency,
        "starts_on": localtime(programme.starts_at).date(),
        "ends_on": localtime(programme.ends_at).date() - ONE_DAY,
        "kinds": programme.kinds,
        "domestic_only": programme.domestic_only,
        "accelerators": [each.accelerator_id for each in programme.accelerators.all()],
        **ratios,
    }


class ApplicationForm(forms.Form):
    amount = YuanField(label=_("Amount applied for"))
    statement = forms.CharField(
        label=_("What you will use it for"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 5})
    )
    papers = FilesField(label=_("Papers"), help_text=_("PDF, pictures or text, 10 files at most."))
    affiliates_named = forms.BooleanField(
        label=_("We have named every organisation here that is affiliated with us."), required=False
    )


class ReasonsForm(forms.Form):
    reasons = forms.CharField(
        label=_("Reasons"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 4})
    )


class ApplicationDecisionForm(ReasonsForm):
    amount = YuanField(label=_("Amount granted"), required=False)
    field_order = ["amount", "reasons"]


def _sellers() -> QuerySet[Organisation]:
    """Who may sell, which is public; who buys is nobody's business."""
    sells = [Organisation.Activity.PROVIDE, Organisation.Activity.BOTH]
    sellers: QuerySet[Organisation] = Organisation.objects.verified().filter(activity__in=sells)
    return sellers.order_by("name_en")


class AffiliateForm(forms.Form):
    other = OrganisationField(
        label=_("Organisation"), queryset=Organisation.objects.none(), empty_label=_("Choose an organisation")
    )
    statement = forms.CharField(
        label=_("How you are affiliated"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, organisation: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["other"]
        assert isinstance(field, OrganisationField)
        field.queryset = _sellers().exclude(pk=organisation.pk)


class PairForm(forms.Form):
    first = OrganisationField(
        label=_("Organisation"),
        queryset=Organisation.objects.order_by("name_en"),
        empty_label=_("Choose an organisation"),
    )
    second = OrganisationField(
        label=_("Affiliated with"),
        queryset=Organisation.objects.order_by("name_en"),
        empty_label=_("Choose an organisation"),
    )
    statement = forms.CharField(
        label=_("How they are affiliated"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class IssuerForm(forms.Form):
    organisation = OrganisationField(
        label=_("Public body"),
        queryset=Organisation.objects.verified().order_by("name_en"),
        empty_label=_("Choose an organisation"),
    )
