import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from listings.forms import YuanField
from settlement.contracts.models import Contract
from settlement.delivery.models import StateReport
from settlement.delivery.queries import slots_of
from settlement.fields import FilesField, set_choices


class StateForm(forms.Form):
    state = forms.ChoiceField(label=_("State"))
    note = forms.CharField(label=_("Note"), max_length=500, required=False)

    def __init__(self, *args: Any, states: Sequence[StateReport.State], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "state", [(state.value, state.label) for state in states])


class AccessForm(forms.Form):
    text = forms.CharField(
        label=_("Access details"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Kept encrypted; the buyer's owners and engineers see them, and each look is recorded."),
    )


class UsageForm(forms.Form):
    slot = forms.DateTimeField(
        label=_("Hour that begins at"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 3600}, format="%Y-%m-%dT%H:%M"),
    )
    delivered_seconds = forms.IntegerField(label=_("Delivered"), min_value=0)
    source = forms.CharField(label=_("Source"), max_length=40, initial="page")
    revision = forms.IntegerField(
        label=_("Revision"),
        min_value=0,
        initial=0,
        help_text=_("Zero at first; a higher one supersedes what the same source said before."),
    )


class MessageForm(forms.Form):
    text = forms.CharField(
        label=pgettext_lazy("dispute", "Text"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 5})
    )
    evidence = FilesField(
        label=_("Evidence"),
        help_text=_(
            "Papers, pictures or logs, 10 files at most. Both parties and the operator can open them."
        ),
    )


class DisputeForm(MessageForm):
    first_slot = forms.ChoiceField(label=_("From the hour"), required=False)
    last_slot = forms.ChoiceField(label=_("To the hour"), required=False)
    amount = YuanField(
        label=_("Amount"),
        required=False,
        help_text=_(
            "Leave it empty to dispute all that these hours cost. Without hours, the latest are taken."
        ),
    )
    field_order = ["first_slot", "last_slot", "amount", "text", "evidence"]

    def __init__(self, *args: Any, contract: Contract, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if contract.kind == Contract.Kind.LICENCE:
            del self.fields["first_slot"], self.fields["last_slot"]
            self.fields["amount"].help_text = _("Leave it empty to dispute all that is in escrow.")
            return
        choices = [("", "–"), *_hours(slots_of(contract))]
        set_choices(self, "first_slot", choices)
        set_choices(self, "last_slot", choices)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("first_slot"), data.get("last_slot")
        if bool(first) != bool(last):
            self.add_error("last_slot", _("Choose both hours, or neither."))
        return data

    @property
    def hours(self) -> dict[str, datetime.datetime | None]:
        """The slots chosen, the last one exclusive."""
        first, last = self.cleaned_data.get("first_slot"), self.cleaned_data.get("last_slot")
        if not first or not last:
            return {"first_slot": None, "last_slot": None}
        after = datetime.datetime.fromisoformat(last) + datetime.timedelta(hours=1)
        return {"first_slot": datetime.datetime.fromisoformat(first), "last_slot": after}


class EndForm(forms.Form):
    """From which hour on a contract ends, and why; a licence ends as a whole."""

    ground = forms.ChoiceField(label=_("Ground"))
    from_slot = forms.ChoiceField(label=_("From the hour"))
    reason = forms.CharField(label=_("Reasons"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(
        self,
        *args: Any,
        contract: Contract,
        grounds: Sequence[tuple[str, Any]],
        now: datetime.datetime,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "ground", grounds)
        if contract.kind == Contract.Kind.LICENCE:
            del self.fields["from_slot"]
            self.can_end = contract.in_acceptance(now=now)
            return
        hours_ahead = [slot for slot in slots_of(contract) if slot >= now]
        set_choices(self, "from_slot", _hours(hours_ahead))
        self.can_end = bool(hours_ahead)

    @property
    def slot(self) -> datetime.datetime | None:
        chosen = self.cleaned_data.get("from_slot")
        return datetime.datetime.fromisoformat(chosen) if chosen else None


class DecisionForm(forms.Form):
    refund = forms.DecimalField(
        label=_("Back to the buyer"),
        min_value=0,
        decimal_places=2,
        max_digits=16,
        help_text=_("Nothing: the provider is paid. All: the buyer is refunded. Between: they split it."),
    )
    text = forms.CharField(label=_("Reasons"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 5}))


def _hours(slots: Iterable[datetime.datetime]) -> list[tuple[str, str]]:
    return [(slot.isoformat(), f"{localtime(slot):%Y-%m-%d %H:%M}") for slot in slots]
