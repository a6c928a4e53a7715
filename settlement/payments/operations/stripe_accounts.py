"""A provider's account at Stripe: opened, proved by its owner on Stripe's pages, and followed from there."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.models import Jurisdiction, Organisation
from accounts.permissions import Permission, require, require_verified
from settlement.payments import stripe_api
from settlement.payments.errors import NoPayoutAccount
from settlement.payments.models import StripeAccount, StripeCall
from settlement.payments.operations.stripe_calls import make_call, write_call
from settlement.payments.operations.stripe_customers import demand_answer, stripe_must_answer
from settlement.payments.stripe_api import Kind, NoAnswer, Object, Refused, Verb

# Stripe opens no accounts in mainland China and Macao: providers there are paid by bank transfer.
NOT_SERVED = (Jurisdiction.MAINLAND, Jurisdiction.MACAO)
FETCHED_AGAIN = 5


def onboarding_page(
    *, actor: Actor, country: str, return_url: str, refresh_url: str, now: datetime.datetime
) -> str:
    """The page of Stripe's on which the provider's account is opened, or completed; it is made on first need.

    Raises NoPayoutAccount, StripeSilent, StripeRefused."""
    organisation = require(actor, Permission.MANAGE_ORGANISATION)
    require_verified(organisation)
    if not organisation.provides:
        raise NoPayoutAccount(
            _("Only a provider is paid out. Let your organisation provide in its settings.")
        )
    if organisation.jurisdiction in NOT_SERVED:
        raise NoPayoutAccount(_("Stripe serves no organisations there: you are paid by bank transfer."))
    account = _write_account(actor, organisation, country, now)
    if account.account_id is None:
        demand_answer(make_call(call_id=account.call_id, follow_up=record_account, now=now))
        account.refresh_from_db()
    assert account.account_id is not None, "an answered call has named the account"
    with stripe_must_answer():
        return stripe_api.onboarding_link(
            account_id=account.account_id, return_url=return_url, refresh_url=refresh_url
        )


def record_account(call: StripeCall, made: Object | None, now: datetime.datetime) -> None:
    if made is not None:
        StripeAccount.objects.filter(call=call).update(account_id=made["id"])


def refresh_account(*, actor: Actor, now: datetime.datetime) -> None:
    """Look at Stripe what the account may do, without waiting for the news. Raises StripeSilent."""
    organisation = require(actor, Permission.SEE_MONEY)
    account = StripeAccount.objects.get(organisation=organisation)
    if account.account_id:
        with stripe_must_answer():
            sync_account(account.account_id, "", now)


def sync_account(account_id: str, _account: str, now: datetime.datetime) -> None:
    """Bring an account to what Stripe allows it now.

    Two workers may fetch at once, and the older answer must not be the last word: it is written only where
    nobody has written since before it was asked for.
    """
    for _attempt in range(FETCHED_AGAIN):
        row = StripeAccount.objects.filter(account_id=account_id).first()
        if row is None:
            return
        if _write(row, _fetched(account_id)):
            return
    raise NoAnswer(f"{account_id} changes faster than it can be read")


def _fetched(account_id: str) -> dict[str, object]:
    try:
        account = stripe_api.fetch(Kind.ACCOUNT, account_id)
    except Refused:  # Its owner has cut it off from the platform.
        return {"transfers_enabled": False, "payouts_enabled": False}
    capabilities = account["capabilities"] or {}
    return {
        "details_submitted": account["details_submitted"],
        "transfers_enabled": capabilities.get("transfers") == "active",
        "payouts_enabled": account["payouts_enabled"],
        "missing": len((account["requirements"] or {}).get("currently_due") or []),
    }


def _write(row: StripeAccount, fetched: dict[str, object]) -> bool:
    unchanged = StripeAccount.objects.filter(pk=row.pk, version=row.version)
    return bool(unchanged.update(**fetched, version=row.version + 1))


@transaction.atomic(durable=True)
def _write_account(
    actor: Actor, organisation: Organisation, country: str, now: datetime.datetime
) -> StripeAccount:
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    account = StripeAccount.objects.select_related("call").filter(organisation=organisation).first()
    if account and account.call.status != StripeCall.Status.REFUSED:
        return account
    call = write_call(
        verb=Verb.ACCOUNT,
        params={
            "country": country,
            "business_type": "company",
            "company": {"name": organisation.name_en},
            "capabilities": {"transfers": {"requested": True}},
            "controller": {
                "stripe_dashboard": {"type": "express"},
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "requirement_collection": "stripe",
            },
            # We say when to pay out, so that each payout is one row here and one line at the provider's bank.
            "settings": {"payouts": {"schedule": {"interval": "manual"}}},
        },
        now=now,
    )
    account, _created = StripeAccount.objects.update_or_create(
        organisation=organisation, defaults={"call": call}, create_defaults={"call": call, "created_at": now}
    )
    record(actor=actor, verb="create", subject=account, now=now)
    return account
