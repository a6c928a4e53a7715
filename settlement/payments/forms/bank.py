from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from settlement.payments.forms.fields import BankFileField, OrganisationField


class StatementForm(forms.Form):
    file = BankFileField(
        label=_("Bank statement (CSV)"),
        help_text=_(
            "Columns: serial, date, amount (below zero: paid out), balance, payer, payer account, remark; "
            "or the bank's Chinese names. UTF-8 or GBK. The file is imported whole or not at all."
        ),
    )


class AssignForm(forms.Form):
    organisation = OrganisationField(
        label=_("Organisation"),
        queryset=Organisation.objects.order_by("name_en"),
        empty_label=_("Choose whose money it is"),
    )
