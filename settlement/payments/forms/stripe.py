from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from settlement.fields import set_choices
from settlement.ledger.models import Currency
from settlement.money import show_amount
from settlement.payments.forms.fields import SentOnceForm
from settlement.payments.models import CardTopUp, SavedCard

NEW_CARD = ""
# Where Stripe opens accounts that a platform in Hong Kong can pay; its own list decides in the end.
COUNTRIES = {
    "HK": _("Hong Kong"),
    "SG": _("Singapore"),
    "JP": _("Japan"),
    "AU": _("Australia"),
    "GB": _("United Kingdom"),
    "DE": _("Germany"),
    "FR": _("France"),
    "US": _("United States"),
}


class CardTopUpForm(SentOnceForm):
    currency = forms.ChoiceField(label=_("Currency"))
    card = forms.ChoiceField(label=_("Card"), required=False)
    save_card = forms.BooleanField(label=_("Save the card for the next time"), required=False)
    field_order = ["amount", "currency", "card", "save_card"]

    def __init__(self, *args: Any, cards: list[SavedCard], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = settings.STRIPE_CURRENCIES
        currency, card = self.fields["currency"], self.fields["card"]
        set_choices(self, "currency", [(code, Currency(code).label) for code in codes])
        currency.initial = codes[0]
        if len(codes) == 1:
            currency.widget = forms.HiddenInput()
        another = (NEW_CARD, _("Another card, on Stripe's page"))
        set_choices(self, "card", [another, *((str(each.pk), str(each)) for each in cards)])
        if not cards:
            card.widget = forms.HiddenInput()
        least = show_amount(settings.CARD_TOP_UP_MINIMUM, codes[0])
        self.fields["amount"].help_text = _("At least %(minimum)s.") % {"minimum": least}

    @property
    def only_currency(self) -> str:
        """The unit of the amount, where there is nothing to choose."""
        codes: list[str] = settings.STRIPE_CURRENCIES
        return codes[0] if len(codes) == 1 else ""

    @property
    def saved_card(self) -> int | None:
        chosen = self.cleaned_data["card"]
        return int(chosen) if chosen else None


class RefundForm(SentOnceForm):
    def __init__(self, *args: Any, top_up: CardTopUp, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["amount"] = top_up.refundable
        most = show_amount(top_up.refundable, top_up.currency)
        self.fields["amount"].help_text = _("At most %(amount)s.") % {"amount": most}


class CountryForm(forms.Form):
    country = forms.ChoiceField(
        label=_("Country of the company"), choices=list(COUNTRIES.items()), initial="HK"
    )


class StripePayoutForm(SentOnceForm):
    field_order = ["amount"]

    def __init__(self, *args: Any, receivable: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["amount"] = receivable if receivable > 0 else None
        least = show_amount(settings.PAYOUT_MINIMUM_FEN, Currency.CNY)
        self.fields["amount"].help_text = _("At least %(minimum)s.") % {"minimum": least}
