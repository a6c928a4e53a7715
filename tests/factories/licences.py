"""Licences as a settled round leaves them, and tokens for the software that uses them."""

import dataclasses
import datetime
import itertools
from typing import Any

from accounts.models import Jurisdiction, Organisation
from listings.circulation import Place
from settlement.contracts.operations import open_contracts
from settlement.licences.models import Licence, LicenceToken
from settlement.licences.operations import Machine, create_token, issue_licence
from tests.factories.accounts import NOW
from tests.factories.listings import LicencePlanFactory
from tests.factories.settlement import acting, fund, licence_draft

_numbers = itertools.count(1)
MAINLAND = Place(Jurisdiction.MAINLAND)


def licensed(
    buyer: Organisation,
    *,
    seats: int = 3,
    ends_at: datetime.datetime | None = None,
    now: datetime.datetime = NOW,
    **plan: Any,
) -> Licence:
    """A licence of `seats` seats; `plan` are fields of its plan."""
    bought = LicencePlanFactory(**plan)
    fund(buyer, seats * bought.price)
    draft = licence_draft(buyer, bought, now=now, number=next(_numbers), seats=seats)
    [contract] = open_contracts(drafts=[dataclasses.replace(draft, ends_at=ends_at)], now=now)
    return issue_licence(contract_id=contract.pk, now=now)


def token_of(licence: Licence) -> LicenceToken:
    """A token, as a request that shows it finds it."""
    token, _text = token_and_text(licence)
    return token


def token_and_text(licence: Licence) -> tuple[LicenceToken, str]:
    actor = acting(licence.contract.buyer)
    token, text = create_token(actor=actor, licence_id=licence.pk, name="server", now=licence.issued_at)
    return LicenceToken.objects.select_related("licence__contract").get(pk=token.pk), text


def machine(fingerprint: str, place: Place = MAINLAND) -> Machine:
    return Machine(fingerprint, place, name=f"host {fingerprint}")
