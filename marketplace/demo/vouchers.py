"""A programme for the demo: an illustrative bureau bears part of what some firms buy on domestic cards."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from accounts.audit import Actor
from accounts.models import Organisation
from settlement.contracts.models import Contract
from settlement.vouchers.models import Programme
from settlement.vouchers.operations import (
    Rules,
    apply,
    approve,
    approve_issuer,
    open_programme,
    write_programme,
)
from settlement.vouchers.queries import is_issuer, usable_vouchers, waits_or_has_voucher

NAME_EN, NAME_ZH = "Demo compute vouchers", "示例算力券"
BUDGET, CAP, ASKED = 1_500_000_00, 300_000_00, 200_000_00
RATIOS = {Organisation.Tier.START_UP.value: 6000, Organisation.Tier.SPECIALISED.value: 5000}


def ensure_programme(*, issuer: Actor, operator: Actor, firms: Sequence[Actor], now: datetime) -> None:
    """The issuer's programme, and this year's voucher for each firm of an eligible tier.

    What the issuer runs besides, and whether it closes this one, is up to who signs in as the issuer.
    """
    body = issuer.organisation
    assert body is not None
    if not is_issuer(body):
        approve_issuer(actor=operator, organisation=body, now=now)
    ours = Programme.objects.filter(issuer=body, name_en=NAME_EN)
    if not ours.exists():
        _open(issuer, now)
    programme = ours.taking_applications(now).first()
    if programme is None:
        return
    for firm in firms:
        buyer = firm.organisation
        assert buyer is not None
        if buyer.tier not in RATIOS or waits_or_has_voucher(programme, buyer, now=now):
            continue
        application = apply(
            actor=firm,
            programme_id=programme.pk,
            amount=ASKED,
            statement="Demo: training on domestic accelerators.",
            affiliates_named=True,
            now=now,
        )
        approve(
            actor=issuer,
            application_id=application.pk,
            amount=ASKED,
            reasons="Demo: within the programme's aims.",
            now=now,
        )


def voucher_for(buyer: Organisation, *, most: int, now: datetime) -> int | None:
    """A voucher that bears its whole ratio of an order that costs `most` fen, for domestic accelerators."""
    for each in usable_vouchers(buyer, now=now):
        if each.part_of(most) < each.left:
            return each.voucher.pk
    return None


def _open(issuer: Actor, now: datetime) -> Programme:
    rules = Rules(
        name_en=NAME_EN,
        name_zh=NAME_ZH,
        budget=BUDGET,
        cap=CAP,
        starts_at=now,
        ends_at=now + timedelta(days=365),
        ratios=RATIOS,
        kinds=(Contract.Kind.COMPUTE.value,),
        domestic_only=True,
    )
    draft = write_programme(actor=issuer, rules=rules, now=now)
    return open_programme(actor=issuer, programme_id=draft.pk, now=now)
