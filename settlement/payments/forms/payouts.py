from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation
from settlement.fields import set_choices
from settlement.ledger.models import KINDS, AccountKind, Owner
from settlement.money import show_yuan
from settlement.payments.forms.fields import AmountForm, BankFileField, OrganisationField, SentOnceForm
from settlement.payments.models import PayoutSchedule, PayoutSource
from settlement.payments.operations import BankDetails, Place
from settlement.payments.operations.manual_transfer import MOVABLE


class PayoutForm(SentOnceForm):
    taken_from = forms.ChoiceField(label=pgettext_lazy("account", "From"), choices=PayoutSource)
    field_order = ["taken_from", "amount"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        minimum = show_yuan(settings.PAYOUT_MINIMUM_FEN)
        self.fields["amount"].help_text = _("At least %(minimum)s.") % {"minimum": minimum}


class PayoutAccountForm(forms.Form):
    holder = forms.CharField(
        label=_("Account holder"), max_length=200, help_text=_("The organisation's own legal name.")
    )
    bank = forms.CharField(label=_("Bank and branch"), max_length=200)
    cnaps = forms.CharField(
        label=_("CNAPS code"),
        max_length=20,
        help_text=_("The branch's code in the payment system: twelve digits."),
    )
    number = forms.CharField(label=_("Account number"), max_length=50)

    @property
    def details(self) -> BankDetails:
        return BankDetails(**self.cleaned_data)


class ScheduleForm(forms.Form):
    frequency = forms.ChoiceField(
        label=_("Pay out what is receivable"),
        choices=PayoutSchedule.Frequency,
        help_text=_("Once a week or a month, as soon as it is the minimum."),
    )


class ResultsForm(forms.Form):
    file = BankFileField(
        label=_("The bank's results (CSV)"),
        help_text=_(
            "Columns: serial, result (paid or failed), amount, reason; or the bank's Chinese names. "
            "The file is imported whole or not at all."
        ),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=300)


class NoteForm(forms.Form):
    note = forms.CharField(label=_("What became of it"), max_length=2_000)


class ManualTransferForm(AmountForm):
    debit_kind = forms.ChoiceField(
        label=_("Debit"), help_text=_("The account that the amount is taken from.")
    )
    debit_organisation = OrganisationField(
        label=_("Organisation of the debit"),
        required=False,
        empty_label="–",
        queryset=Organisation.objects.order_by("name_en"),
    )
    credit_kind = forms.ChoiceField(
        label=_("Credit"), help_text=_("The account that the amount is added to.")
    )
    credit_organisation = OrganisationField(
        label=_("Organisation of the credit"),
        required=False,
        empty_label="–",
        queryset=Organisation.objects.order_by("name_en"),
    )
    reason = forms.CharField(label=_("Reason"), max_length=2_000, widget=forms.Textarea(attrs={"rows": 3}))
    field_order = [
        "debit_kind",
        "debit_organisation",
        "credit_kind",
        "credit_organisation",
        "amount",
        "reason",
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("debit_kind", "credit_kind"):
            set_choices(self, name, [(kind.value, _kind_label(kind)) for kind in MOVABLE])

    def place(self, side: str) -> Place:
        return Place(
            AccountKind(self.cleaned_data[f"{side}_kind"]), self.cleaned_data[f"{side}_organisation"]
        )


def _kind_label(kind: AccountKind) -> str:
    if KINDS[kind].owner == Owner.ORGANISATION:
        return str(_("%(account)s of an organisation") % {"account": kind.label})
    return str(kind.label)
