"""What Stripe says of a card that was not charged, which it says in English alone, in the reader's language.

The sentences are the messages of its API's card errors, see https://docs.stripe.com/declines/codes and
https://docs.stripe.com/testing. One that is not here is shown as it came.
"""

from django.utils import translation
from django.utils.translation import gettext_noop

SENTENCES = {
    gettext_noop("Your card was declined."),
    gettext_noop("Your card has insufficient funds."),
    gettext_noop("Your card has expired."),
    gettext_noop("Your card's security code is incorrect."),
    gettext_noop("Your card number is incorrect."),
    gettext_noop("Your card does not support this type of purchase."),
    gettext_noop("An error occurred while processing your card. Try again in a little bit."),
}


def in_own_words(sentence: str) -> str:
    return translation.gettext(sentence) if sentence in SENTENCES else sentence
