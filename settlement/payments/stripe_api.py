"""The one door to Stripe: no other module imports its SDK. It speaks in plain dictionaries, shaped as
Stripe documents them, and touches no table. A call waits for the network: make none inside a transaction.
"""

import datetime
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import stripe
from django.conf import settings
from django.db import models

Object = Mapping[str, Any]
SECONDS_TO_WAIT = 20
PAGE = 100


class Verb(models.TextChoices):
    """The calls that change something at Stripe."""

    CUSTOMER = "customer", "customers.create"
    CHECKOUT = "checkout", "checkout.sessions.create"
    PAYMENT = "payment", "payment_intents.create"
    CANCEL_PAYMENT = "cancel_payment", "payment_intents.cancel"
    REFUND = "refund", "refunds.create"
    DETACH = "detach", "payment_methods.detach"
    ACCOUNT = "account", "accounts.create"
    TRANSFER = "transfer", "transfers.create"
    REVERSAL = "reversal", "transfers.reversals.create"
    PAYOUT = "payout", "payouts.create"


class Kind(models.TextChoices):
    """The objects that are fetched, by what Stripe writes into their `object`."""

    ACCOUNT = "account", "accounts"
    CHARGE = "charge", "charges"
    CHECKOUT_SESSION = "checkout.session", "checkout.sessions"
    DISPUTE = "dispute", "disputes"
    PAYMENT_INTENT = "payment_intent", "payment_intents"
    PAYMENT_METHOD = "payment_method", "payment_methods"
    PAYOUT = "payout", "payouts"
    REFUND = "refund", "refunds"
    SETUP_INTENT = "setup_intent", "setup_intents"
    TRANSFER = "transfer", "transfers"


EXPAND: Mapping[Kind, list[str]] = {
    Kind.PAYMENT_INTENT: ["latest_charge.balance_transaction"],
    Kind.REFUND: ["balance_transaction"],
}
ON_AN_OBJECT = frozenset({Verb.CANCEL_PAYMENT, Verb.DETACH, Verb.REVERSAL})


class Refused(Exception):
    """Stripe's last word is no: nothing happened there, and the same call will not succeed."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class NoAnswer(Exception):
    """It is not known whether Stripe did it: ask again, with the same key."""


class BadSignature(Exception):
    """The message is not Stripe's, or is too old."""


def is_configured() -> bool:
    return bool(settings.STRIPE_SECRET_KEY and settings.STRIPE_WEBHOOK_SECRET)


def perform(verb: Verb, *, key: str, params: Object, target: str = "", account: str = "") -> Object:
    """Make a call under its idempotency key, as the platform or as a connected `account`. `target` is the
    object acted on, where the verb acts on one. Raises Refused and NoAnswer."""
    options: dict[str, Any] = {"idempotency_key": key} | _as_account(account)
    arguments = [target] if verb in ON_AN_OBJECT else []
    return _asked(_service(Verb(verb).label), *arguments, params=dict(params), options=options)


def find(
    verb: Verb, *, key: str, since: datetime.datetime, target: str = "", account: str = ""
) -> Object | None:
    """What a call made under this key since then, found by our metadata (Stripe forgets keys after a day).

    None if it made nothing, and for a verb that is harmless to repeat. Raises Refused and NoAnswer.
    """
    if verb in (Verb.DETACH, Verb.CANCEL_PAYMENT):
        return None
    params: dict[str, Any] = {"limit": PAGE}
    if verb != Verb.REVERSAL:
        params["created"] = {"gte": int(since.timestamp())}
    service = Verb(verb).label.removesuffix(".create") + ".list"
    for each in _pages(service, params, account, *([target] if target else [])):
        if key_of(each) == key:
            return each
    return None


def fetch(kind: Kind, object_id: str, *, account: str = "") -> Object:
    """The object as it is now. Raises Refused (there is none) and NoAnswer."""
    params = {"expand": EXPAND[kind]} if kind in EXPAND else {}
    return _asked(
        _service(f"{Kind(kind).label}.retrieve"), object_id, params=params, options=_as_account(account)
    )


def key_of(made: Object) -> str:
    """The key of our call that made the object; empty where somebody else made it."""
    return str(made["metadata"].get("call", ""))


def onboarding_link(*, account_id: str, return_url: str, refresh_url: str) -> str:
    """A page of Stripe's where the account's owner proves who they are; it opens once."""
    params = {
        "account": account_id,
        "type": "account_onboarding",
        "return_url": return_url,
        "refresh_url": refresh_url,
    }
    return str(_asked(_service("account_links.create"), params=params, options={})["url"])


def balance_transactions(since: datetime.datetime) -> Iterator[Object]:
    """All that moved on the platform's balance at Stripe since then, newest first."""
    params = {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
    return _pages("balance_transactions.list", params, "")


def events(since: datetime.datetime) -> Iterator[Object]:
    """The events of the platform's own account since then, newest first. Stripe keeps thirty days of them."""
    return _pages("events.list", {"created": {"gte": int(since.timestamp())}, "limit": PAGE}, "")


def verified(body: bytes, signature: str) -> None:
    """Raise BadSignature unless Stripe signed this body within the last five minutes."""
    try:
        stripe.WebhookSignature.verify_header(
            body.decode(), signature, settings.STRIPE_WEBHOOK_SECRET, stripe.Webhook.DEFAULT_TOLERANCE
        )
    except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
        raise BadSignature(str(error)) from error


@functools.lru_cache(maxsize=4)
def _client(secret_key: str, api_base: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": api_base},
        max_network_retries=0,  # Retries are ours: they outlive this process.
        http_client=stripe.RequestsClient(timeout=SECONDS_TO_WAIT),
    )


def _service(path: str) -> Callable[..., stripe.StripeObject]:
    """`checkout.sessions.create` of the SDK's client."""
    client = _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)
    return cast(Callable[..., stripe.StripeObject], functools.reduce(getattr, path.split("."), client.v1))


def _as_account(account: str) -> dict[str, Any]:
    return {"stripe_account": account} if account else {}


def _asked(
    service: Callable[..., stripe.StripeObject],
    *arguments: str,
    params: dict[str, Any],
    options: dict[str, Any],
) -> Object:
    try:
        return service(*arguments, params=params, options=options).to_dict()
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        raise Refused(error.code or "", error.user_message or str(error)) from error
    except stripe.PermissionError as error:  # Of a connected account: its owner has cut it off.
        raise Refused("account_invalid", error.user_message or str(error)) from error
    except stripe.StripeError as error:
        raise NoAnswer(f"{type(error).__name__}: {error}") from error


def _pages(service: str, params: dict[str, Any], account: str, *arguments: str) -> Iterator[Object]:
    after: dict[str, Any] = {}
    while True:
        page = _asked(_service(service), *arguments, params=params | after, options=_as_account(account))
        yield from page["data"]
        if not page["has_more"]:
            return
        after = {"starting_after": page["data"][-1]["id"]}
