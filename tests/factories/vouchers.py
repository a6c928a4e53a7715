"""Issuers, programmes and vouchers: through the operations, as everybody else has them."""

import datetime
from typing import Any

from accounts.audit import Actor
from accounts.models import Organisation
from settlement.vouchers.models import Application, Programme, Voucher
from settlement.vouchers.operations import (
    Rules,
    apply,
    approve,
    approve_issuer,
    open_programme,
    write_programme,
)
from tests.factories.accounts import NOW, OrganisationFactory, UserFactory
from tests.factories.settlement import acting, fund


def rules(**changes: Any) -> Rules:
    """From the day before the tests' now to the year's end: half of compute, 60 % for start-ups."""
    fields: dict[str, Any] = {
        "name_zh": "深圳算力券",
        "name_en": "Shenzhen compute vouchers",
        "budget": 1_000_000,
        "cap": 100_000,
        "starts_at": NOW - datetime.timedelta(days=1),
        "ends_at": datetime.datetime(2026, 12, 31, 16, 0, tzinfo=datetime.UTC),
        "ratios": {"start_up": 6000, "specialised": 5000},
        "kinds": ("compute", "licence"),
    }
    return Rules(**fields | changes)


def issuer(fen: int = 1_000_000) -> Organisation:
    body = OrganisationFactory(name_en="Bureau of Industry", name_zh="工业和信息化局")
    approve_issuer(actor=Actor(user=UserFactory(is_staff=True)), organisation=body, now=NOW)
    if fen:
        fund(body, fen)
    return body


def programme(body: Organisation | None = None, **changes: Any) -> Programme:
    """An open one."""
    wanted = rules(**changes)
    body = body or issuer(wanted.budget)
    draft = write_programme(actor=acting(body), rules=wanted, now=NOW)
    return open_programme(actor=acting(body), programme_id=draft.pk, now=NOW)


def application(
    firm: Organisation, of: Programme, *, amount: int | None = None, now: datetime.datetime = NOW
) -> Application:
    """For the programme's cap, unless said otherwise."""
    return apply(
        actor=acting(firm),
        programme_id=of.pk,
        amount=amount or of.cap,
        statement="We train a speech model for hospitals.",
        affiliates_named=True,
        now=now,
    )


def voucher(
    firm: Organisation,
    of: Programme | None = None,
    *,
    amount: int | None = None,
    now: datetime.datetime = NOW,
) -> Voucher:
    """Applied for and approved in full."""
    asked = application(firm, of or programme(), amount=amount, now=now)
    return approve(
        actor=acting(asked.programme.issuer),
        application_id=asked.pk,
        amount=asked.amount,
        reasons="Within the programme's aims.",
        now=now,
    )
