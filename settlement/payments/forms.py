from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from accounts.names import local_name
from settlement.payments.errors import BadStatement
from settlement.payments.statement_file import decode

LARGEST_FILE = 5 * 2**20


class StatementForm(forms.Form):
    file = forms.FileField(
        label=_("Bank statement (CSV)"),
        help_text=_(
            "Columns: serial, date, amount (below zero: paid out), balance, payer, payer account, remark; "
            "or the bank's Chinese names. UTF-8 or GBK. The file is imported whole or not at all."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )

    def clean_file(self) -> str:
        upload = self.cleaned_data["file"]
        if upload.size > LARGEST_FILE:
            raise ValidationError(_("The file is larger than 5 MB: split it by date."))
        try:
            return decode(upload.read())
        except BadStatement as refusal:
            raise ValidationError(str(refusal)) from None


class OrganisationField(forms.ModelChoiceField):  # type: ignore[type-arg]  # no generic at run time
    def label_from_instance(self, organisation: Organisation) -> str:
        return local_name(organisation)


class AssignForm(forms.Form):
    organisation = OrganisationField(
        label=_("Organisation"),
        queryset=Organisation.objects.order_by("name_en"),
        empty_label=_("Choose whose money it is"),
    )
