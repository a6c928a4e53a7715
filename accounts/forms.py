from datetime import datetime, timedelta
from zoneinfo import available_timezones

from allauth.account.forms import SignupForm
from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import EventKind, Organisation, Role, Scope, User
from accounts.operations.organisations import Details
from accounts.registration_numbers import clean_registration_number

ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
KEY_LIVES = [(30, _("30 days")), (90, _("90 days")), (180, _("180 days")), (365, _("1 year"))]


class SignUpForm(SignupForm):
    """allauth's form, and the person's name."""

    name = forms.CharField(
        label=_("Your name"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    field_order = ["name", "email", "password1"]

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        user.name = self.cleaned_data["name"]
        user.language = get_language() or ""
        user.save(update_fields=["name", "language"])


class OrganisationForm(forms.ModelForm):
    timezone = forms.ChoiceField(
        label=_("Time zone"),
        choices=[(zone, zone.replace("_", " ")) for zone in ZONES],
        initial="Asia/Shanghai",
        help_text=_("Pages show times in this zone."),
    )

    class Meta:
        model = Organisation
        fields = [
            "name_zh", "name_en", "jurisdiction", "registration_number", "activity", "tier", "timezone",
        ]  # fmt: skip
        help_texts = {
            "name_zh": _("As on the business licence. Where there is none, repeat the English name."),
            "jurisdiction": _("Where the organisation is registered."),
            "registration_number": _(
                "Mainland China: the unified social credit code of 18 characters. "
                "Hong Kong: the business registration number. Elsewhere: the local register's number."
            ),
            "activity": _("You can change this at any time."),
            "tier": _("What public support you may get depends on it. It is verified with the rest."),
        }

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        if "jurisdiction" in cleaned and "registration_number" in cleaned:
            try:
                cleaned["registration_number"] = clean_registration_number(
                    cleaned["jurisdiction"], cleaned["registration_number"]
                )
            except InvalidInput as error:
                self.add_error("registration_number", str(error))
        return cleaned

    def validate_constraints(self) -> None:
        """Left to the database: the operation says what is taken, and to whom to turn."""

    def details(self) -> Details:
        return Details(**self.cleaned_data)


class InvitationForm(forms.Form):
    email = forms.EmailField(label=_("E-mail address"))
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.VIEWER)


class ApiKeyForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What will use the key, for example “Scheduler bridge”.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=Scope.choices,
        initial=[Scope.READ],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Give a key no more than its program needs."),
    )
    days = forms.TypedChoiceField(label=_("Expires after"), choices=KEY_LIVES, coerce=int, initial=90)

    def expires_at(self, now: datetime) -> datetime:
        return now + timedelta(days=self.cleaned_data["days"])


class WebhookEndpointForm(forms.Form):
    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
        help_text=_("Begins with https:// and is reached from the public internet."),
    )
    kinds = forms.MultipleChoiceField(
        label=_("What it is told"),
        choices=EventKind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: everything, and what is added later too."),
    )


class DecisionForm(forms.Form):
    """An operator's decision on the details as they stood at `submitted_at`."""

    submitted_at = forms.DateTimeField(widget=forms.HiddenInput)
    note = forms.CharField(
        label=_("Evidence or reason"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "To verify: what you checked, for example the licence's number and the register's entry. "
            "To reject: what the organisation must correct; its owners read this."
        ),
    )


class ProfileForm(forms.ModelForm):
    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_("Of the pages, and of the letters we send you."),
    )

    class Meta:
        model = User
        fields = ["name", "language"]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.initial["language"] = self.instance.language or get_language()
