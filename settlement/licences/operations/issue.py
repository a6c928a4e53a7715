"""A licence contract in force issues one licence, with its signed key."""

import datetime
import json
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from listings.models import LicencePlan
from settlement.contracts.document import stamp
from settlement.contracts.models import Contract
from settlement.licences.errors import NotALicence
from settlement.licences.keys import KEY, statement
from settlement.licences.models import Licence, LicenceEvent
from settlement.licences.queries import to_be_issued, version_of

BATCH = 500


def issue_licences(*, now: datetime.datetime) -> int:
    """Issue what is due, each in its own transaction: how many. It may be stopped, and run twice at once."""
    issued = 0
    while batch := list(to_be_issued(now).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        for contract_id in batch:
            issue_licence(contract_id=contract_id, now=now)
        issued += len(batch)
    return issued


@transaction.atomic
def issue_licence(*, contract_id: int, now: datetime.datetime) -> Licence:
    """The contract's licence, issued now where there is none. Raises NotALicence."""
    locked = Contract.objects.select_related("plan__algorithm").select_for_update(no_key=True, of=("self",))
    contract = locked.get(pk=contract_id)
    if issued := Licence.objects.filter(contract=contract).first():
        return issued
    if not to_be_issued(now).filter(pk=contract.pk).exists():
        raise NotALicence(_("Contract %(number)s grants no licence.") % {"number": contract.number})
    licence = _licence(contract, now)
    licence.key = statement(KEY, _facts(licence))
    licence.save(force_insert=True)
    LicenceEvent.objects.create(licence=licence, kind=LicenceEvent.Kind.ISSUED, at=now)
    return licence


def _licence(contract: Contract, now: datetime.datetime) -> Licence:
    plan = contract.plan
    assert plan is not None
    grace = datetime.timedelta(days=settings.LICENCE_GRACE_DAYS)
    return Licence(
        contract=contract,
        seats=contract.quantity,
        binding=plan.binding,
        territory=plan.territory,
        calls=plan.calls * contract.quantity if plan.calls else None,
        issued_at=now,
        expires_at=contract.ends_at,
        grace_until=contract.ends_at + grace if contract.ends_at else None,
    )


def _facts(licence: Licence) -> dict[str, Any]:
    """What the key says: the licensee by its names at the time of contract."""
    contract, plan = licence.contract, licence.contract.plan
    assert plan is not None
    version = version_of(contract)
    buyer = json.loads(contract.document)["buyer"]
    return {
        "licence": contract.number,
        "contract_sha256": contract.sha256,
        "licensee": {
            name: buyer[name] for name in ("name_zh", "name_en", "jurisdiction", "registration_number")
        },
        "algorithm": {
            "slug": plan.algorithm.slug,
            "name_zh": plan.algorithm.name_zh,
            "name_en": plan.algorithm.name_en,
            "data_class": plan.algorithm.data_class,
        },
        "version": {"number": version.number, "sha256": version.sha256} if version else None,
        "plan": {"name": plan.name, "kind": LicencePlan.Kind(plan.kind).value},
        "seats": licence.seats,
        "binding": licence.binding,
        "territory": licence.territory,
        "uses": {"commercial": plan.commercial, "derivatives": plan.derivatives},
        "calls": licence.calls,
        "issued_at": stamp(licence.issued_at),
        "expires_at": stamp(licence.expires_at) if licence.expires_at else None,
        "grace_until": stamp(licence.grace_until) if licence.grace_until else None,
    }
