"""Calls to Stripe: the key is stored, then the call is made outside of any transaction, then its answer is
recorded. Whoever dies in between leaves a row that falls due again, with the same key."""

import datetime
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import F

from settlement.payments import stripe_api
from settlement.payments.models import StripeCall
from settlement.payments.models.stripe_messages import new_key
from settlement.payments.stripe_api import NoAnswer, Object, Refused, Verb

A_CALL_TAKES_AT_MOST = datetime.timedelta(minutes=2)
FIRST_WAIT = datetime.timedelta(seconds=30)
LONGEST_WAIT = datetime.timedelta(hours=2)
# Stripe forgets a key after 24 hours; from then on what the call made is looked for first.
KEY_IS_REMEMBERED = datetime.timedelta(hours=23)

# Told the call and what it made, or None where it was refused; runs in the transaction that records it.
FollowUp = Callable[[StripeCall, Object | None, datetime.datetime], None]


def write_call(
    *,
    verb: Verb,
    params: Mapping[str, Any],
    now: datetime.datetime,
    key: str = "",
    target: str = "",
    account: str = "",
) -> StripeCall:
    """Write a call down, in the transaction of the row that needs it.

    Its key goes into the metadata of what it makes, so that either finds the other.
    """
    key = key or new_key()
    marked = {} if verb in stripe_api.ON_AN_OBJECT - {Verb.REVERSAL} else {"metadata": {"call": key}}
    return StripeCall.objects.create(
        key=key,
        verb=verb,
        target=target,
        account=account,
        params=dict(params) | marked,
        created_at=now,
        due_at=now,
    )


def ring(task: str, row_id: int) -> None:
    """Let a worker know once the transaction has committed. If the bell is lost, a sweeper finds the row."""
    send = partial(current_app.send_task, f"settlement.payments.tasks.{task}", [row_id])
    transaction.on_commit(send, robust=True)


def make_call(*, call_id: int, follow_up: FollowUp, now: datetime.datetime) -> StripeCall:
    """Make the call if it is due, and record what came of it together with its consequences. May be repeated.

    Where Stripe gives no answer the call stays waiting and falls due later and later.
    """
    if not _claim(call_id, now):
        return StripeCall.objects.get(pk=call_id)
    call = StripeCall.objects.get(pk=call_id)
    try:
        made = _already_made(call, now) or stripe_api.perform(
            Verb(call.verb), key=call.key, params=call.params, target=call.target, account=call.account
        )
    except Refused as refusal:
        return _resolve(
            call, None, follow_up, now, status=StripeCall.Status.REFUSED, refusal=refusal.sentence
        )
    except NoAnswer as error:
        StripeCall.objects.filter(pk=call_id, status=StripeCall.Status.WAITING).update(
            last_error=str(error)[:500], due_at=now + wait_after(call.attempts)
        )
        return StripeCall.objects.get(pk=call_id)
    return _resolve(call, made, follow_up, now, status=StripeCall.Status.ANSWERED, object_id=made["id"])


def wait_after(attempts: int) -> datetime.timedelta:
    return min(FIRST_WAIT * (1 << min(attempts, 10)), LONGEST_WAIT)


def _claim(call_id: int, now: datetime.datetime) -> bool:
    due = StripeCall.objects.due(now).filter(pk=call_id)
    if not due.update(due_at=now + A_CALL_TAKES_AT_MOST, attempts=F("attempts") + 1):
        return False
    StripeCall.objects.filter(pk=call_id, first_made_at=None).update(first_made_at=now)
    return True


def _already_made(call: StripeCall, now: datetime.datetime) -> Object | None:
    assert call.first_made_at is not None, "a claimed call has been made"
    if now - call.first_made_at < KEY_IS_REMEMBERED:
        return None
    since = call.created_at - datetime.timedelta(hours=1)
    return stripe_api.find(
        Verb(call.verb), key=call.key, since=since, target=call.target, account=call.account
    )


@transaction.atomic
def _resolve(
    call: StripeCall, made: Object | None, follow_up: FollowUp, now: datetime.datetime, **result: str
) -> StripeCall:
    if "refusal" in result:
        result["refusal"] = result["refusal"][:500]
    waiting = StripeCall.objects.filter(pk=call.pk, status=StripeCall.Status.WAITING)
    if waiting.update(**result, resolved_at=now):  # Else another worker was quicker, with the same answer.
        call.refresh_from_db()
        follow_up(call, made, now)
    else:
        call.refresh_from_db()
    return call
