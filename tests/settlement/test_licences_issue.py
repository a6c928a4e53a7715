"""A licence contract issues one licence, whose key says what was bought; nothing of it changes later."""

import datetime

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from accounts.audit import Actor
from listings.models import LicencePlan
from settlement.contracts.models import Contract, Ground
from settlement.contracts.operations import open_contracts
from settlement.delivery.operations import terminate
from settlement.licences.errors import NotALicence
from settlement.licences.keys import facts_of, holds
from settlement.licences.models import Licence, LicenceEvent
from settlement.licences.operations import issue_licence, issue_licences
from settlement.licences.tasks import issue
from tests.factories.accounts import NOW
from tests.factories.licences import licensed
from tests.factories.listings import AlgorithmVersionFactory, LicencePlanFactory, PoolFactory
from tests.factories.settlement import HOUR, compute_draft, licence_draft
from tests.settlement.triggers import drop_trigger, run

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def contract_of(buyer, fund, plan, number=1, seats=3, now=NOW) -> Contract:
    fund(buyer, seats * plan.price)
    draft = licence_draft(buyer, plan, now=now, number=number, seats=seats)
    [contract] = open_contracts(drafts=[draft], now=now)
    return contract


def test_the_task_issues_each_contract_once_however_often_it_runs(buyer, fund, clock):
    plan = LicencePlanFactory()
    contracts = [contract_of(buyer, fund, plan, number) for number in (1, 2)]
    issue()
    issue()
    assert [each.contract for each in Licence.objects.order_by("pk")] == contracts
    assert issue_licences(now=NOW) == 0
    assert issue_licence(contract_id=contracts[0].pk, now=NOW + DAY).issued_at == NOW
    assert LicenceEvent.objects.filter(kind="issued").count() == 2


def test_a_second_licence_of_a_contract_is_refused_by_the_database(buyer):
    licence = licensed(buyer)
    with pytest.raises(IntegrityError), transaction.atomic():
        Licence.objects.create(contract=licence.contract, seats=1, issued_at=NOW, territory="world")


def test_compute_and_terminated_contracts_grant_none(buyer, provider, fund, operator):
    fund(buyer, 10_000)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=NOW, number=7)
    [compute] = open_contracts(drafts=[draft], now=NOW)
    ended = contract_of(buyer, fund, LicencePlanFactory())
    terminate(
        actor=Actor(user=operator),
        contract_id=ended.pk,
        ground=Ground.BREACH,
        breaching_id=ended.provider_id,
        reason="It was never the publisher's to sell.",
        now=NOW,
    )
    assert issue_licences(now=NOW + HOUR) == 0
    for contract in (compute, ended):
        with pytest.raises(NotALicence, match=contract.number):
            issue_licence(contract_id=contract.pk, now=NOW)


def test_the_key_says_what_was_bought(buyer, fund):
    plan = LicencePlanFactory(kind=LicencePlan.Kind.PER_CALL, calls=500, binding="node_locked")
    AlgorithmVersionFactory(algorithm=plan.algorithm, number="1.0", sha256="a" * 64, released_at=NOW - DAY)
    AlgorithmVersionFactory(algorithm=plan.algorithm, number="2.0", sha256="b" * 64, released_at=NOW)
    contract = contract_of(buyer, fund, plan)
    AlgorithmVersionFactory(algorithm=plan.algorithm, number="3.0", sha256="c" * 64, released_at=NOW + DAY)
    licence = issue_licence(contract_id=contract.pk, now=NOW)
    assert holds(licence.key)
    facts = facts_of(licence.key)
    assert facts["licence"] == contract.number
    assert facts["contract_sha256"] == contract.sha256
    assert facts["licensee"]["registration_number"] == buyer.registration_number
    assert facts["version"] == {"number": "2.0", "sha256": "b" * 64}, "3.0 came later"
    assert (facts["seats"], facts["binding"], facts["calls"]) == (3, "node_locked", 1500)
    assert facts["uses"] == {"commercial": True, "derivatives": False}
    assert (facts["expires_at"], facts["grace_until"]) == (None, None)
    assert facts["kid"] == contract.signed_with_id


def test_a_term_licence_ends_with_its_contract_and_then_has_grace(buyer, settings):
    settings.LICENCE_GRACE_DAYS = 3
    licence = licensed(buyer, kind="term", term_days=30, ends_at=NOW + 30 * DAY)
    assert (licence.expires_at, licence.grace_until) == (NOW + 30 * DAY, NOW + 33 * DAY)
    assert facts_of(licence.key)["grace_until"] == "2026-07-04T04:00:00Z"


@pytest.mark.parametrize(
    ("change", "trigger"),
    [
        ("seats = 99", "terms_never_change"),
        ("key = 'key/forged'", "terms_never_change"),
        ("expires_at = NULL, grace_until = NULL", "terms_never_change"),
        ("status = 'active'", "revoked_for_good"),
    ],
)
def test_terms_and_revocation_are_for_good(buyer, change, trigger):
    licence = licensed(buyer, kind="term", term_days=1, ends_at=NOW + DAY)
    Licence.objects.filter(pk=licence.pk).update(status="revoked")
    sql = f"UPDATE licences_licence SET {change} WHERE id = %s"
    with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
        run(sql, licence.pk)
    drop_trigger("licences_licence", trigger)
    assert run(sql, licence.pk) == 1, "without the trigger it goes through"


def test_what_happened_to_a_licence_is_never_changed(buyer):
    licensed(buyer)
    for sql in ("UPDATE licences_licenceevent SET kind = 'revoked'", "DELETE FROM licences_licenceevent"):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            run(sql)
    with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
        run("DELETE FROM licences_licence")
