from django import forms
from django.utils.translation import gettext_lazy as _

from settlement.licences.operations.standing import LONGEST_REASON


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What uses it: a cluster, a service, a build server.")
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Both parties read it."),
    )
