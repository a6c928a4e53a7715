"""A public body writes a programme, opens it with its budget, and gets back what nobody used."""

import datetime
from dataclasses import replace

import pytest
from django.db import transaction
from django.db.utils import DatabaseError

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import AuditEvent, Role
from accounts.permissions import NotVerified
from settlement.ledger.check import differences
from settlement.ledger.errors import InsufficientFunds
from settlement.ledger.models import AccountKind, Transfer
from settlement.ledger.queries import balance_of
from settlement.vouchers.errors import ProgrammeRefused
from settlement.vouchers.models import Issuer, Programme, ProgrammeTier
from settlement.vouchers.operations import (
    approve_issuer,
    close_programme,
    discard_programme,
    end_issuer,
    open_programme,
    return_rest_of_closed,
    write_programme,
)
from tests.factories import vouchers
from tests.factories.accounts import OrganisationFactory
from tests.factories.listings import AcceleratorFactory
from tests.factories.settlement import acting
from tests.settlement.triggers import drop_trigger, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def body():
    return vouchers.issuer()


def test_only_an_operator_makes_a_verified_organisation_an_issuer(operator, owner, now):
    body = OrganisationFactory()
    with pytest.raises(NotAllowed):
        approve_issuer(
            actor=Actor(user=owner.user, organisation=owner.organisation), organisation=body, now=now
        )
    with pytest.raises(NotVerified):
        approve_issuer(
            actor=Actor(user=operator), organisation=OrganisationFactory(verification="pending"), now=now
        )
    approve_issuer(actor=Actor(user=operator), organisation=body, now=now)
    assert list(Issuer.objects.active().values_list("organisation", flat=True)) == [body.pk]


def test_whoever_is_no_issuer_writes_no_programme(owner, now):
    with pytest.raises(ProgrammeRefused, match="approved as an issuer"):
        write_programme(actor=acting(owner.organisation), rules=vouchers.rules(), now=now)


def test_an_issuer_that_is_ended_opens_nothing_more(body, operator, now):
    draft = write_programme(actor=acting(body), rules=vouchers.rules(), now=now)
    end_issuer(actor=Actor(user=operator), issuer_id=body.issuer.pk, now=now)
    with pytest.raises(ProgrammeRefused):
        open_programme(actor=acting(body), programme_id=draft.pk, now=now)
    with pytest.raises(ProgrammeRefused, match="no issuer any more"):
        end_issuer(actor=Actor(user=operator), issuer_id=body.issuer.pk, now=now)


@pytest.mark.parametrize(("role", "may"), [(Role.FINANCE, True), (Role.TRADER, False), (Role.VIEWER, False)])
def test_a_programme_is_run_by_owners_and_finance(body, now, role, may):
    actor = acting(body, role)
    if may:
        assert write_programme(actor=actor, rules=vouchers.rules(), now=now).is_draft
    else:
        with pytest.raises(NotAllowed):
            write_programme(actor=actor, rules=vouchers.rules(), now=now)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name_zh": " "}, "name in Chinese"),
        ({"cap": 0}, "above zero and within the budget"),
        ({"cap": 1_000_001}, "above zero and within the budget"),
        ({"ends_at": vouchers.NOW - datetime.timedelta(days=2)}, "must end after"),
        ({"kinds": ()}, "what the programme pays for"),
        ({"ratios": {}}, "at least one type"),
        ({"ratios": {"start_up": 10_001}}, "up to 100"),
        ({"ratios": {"giant": 100}}, "no such type"),
        ({"accelerators": [999_999]}, "not in the catalogue"),
    ],
)
def test_rules_that_make_no_programme_are_refused_in_words(body, now, change, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        write_programme(actor=acting(body), rules=vouchers.rules(**change), now=now)
    assert not Programme.objects.exists()


def test_a_programme_for_domestic_accelerators_names_no_other(body, now):
    foreign = AcceleratorFactory(domestic=False)
    with pytest.raises(InvalidInput, match="domestic"):
        write_programme(
            actor=acting(body),
            rules=vouchers.rules(domestic_only=True, accelerators=[foreign.pk]),
            now=now,
        )


def test_a_draft_is_written_anew_and_thrown_away(body, now):
    accelerator = AcceleratorFactory(domestic=True)
    draft = write_programme(actor=acting(body), rules=vouchers.rules(), now=now)
    changed = vouchers.rules(ratios={"leading": 1000}, accelerators=[accelerator.pk], budget=500_000)
    write_programme(actor=acting(body), rules=changed, programme_id=draft.pk, now=now)
    draft.refresh_from_db()
    assert draft.budget == 500_000
    assert [each.tier for each in draft.tiers.all()] == ["leading"]
    assert [each.accelerator for each in draft.accelerators.all()] == [accelerator]
    discard_programme(actor=acting(body), programme_id=draft.pk, now=now)
    assert not Programme.objects.exists()
    assert AuditEvent.objects.filter(organisation=body, verb="remove").exists()


def test_opening_moves_the_budget_to_the_programmes_own_account(body, now):
    programme = vouchers.programme(body, budget=600_000)
    assert balance_of(body).available == 400_000
    assert (programme.account.kind, programme.account.shard) == (AccountKind.PROGRAMME, programme.pk)
    assert programme.account.balance == 600_000
    assert list(differences()) == []
    for again in (
        lambda: open_programme(actor=acting(body), programme_id=programme.pk, now=now),
        lambda: discard_programme(actor=acting(body), programme_id=programme.pk, now=now),
        lambda: write_programme(
            actor=acting(body), rules=vouchers.rules(), programme_id=programme.pk, now=now
        ),
    ):
        with pytest.raises(ProgrammeRefused, match="its rules stand"):
            again()


def test_an_issuer_that_lacks_the_budget_opens_nothing(body, now):
    draft = write_programme(actor=acting(body), rules=vouchers.rules(budget=1_000_001), now=now)
    with pytest.raises(InsufficientFunds, match=r"¥0\.01"):
        open_programme(actor=acting(body), programme_id=draft.pk, now=now)
    draft.refresh_from_db()
    assert draft.is_draft
    assert balance_of(body).available == 1_000_000


def test_another_issuers_programme_does_not_exist_here(body, now):
    programme = vouchers.programme()
    for operation in (open_programme, close_programme, discard_programme):
        with pytest.raises(Programme.DoesNotExist):
            operation(actor=acting(body), programme_id=programme.pk, now=now)


def test_the_database_keeps_the_rules_of_an_open_programme(body):
    programme = vouchers.programme(body)
    accelerator = AcceleratorFactory()
    for statement in (
        "UPDATE vouchers_programme SET cap = cap - 1",
        "UPDATE vouchers_programmetier SET ratio_basis_points = 10000",
        "DELETE FROM vouchers_programmetier",
        "DELETE FROM vouchers_programme",
        "INSERT INTO vouchers_programmeaccelerator (programme_id, accelerator_id)"
        f" VALUES ({programme.pk}, {accelerator.pk})",
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            run(statement)
    run("SET CONSTRAINTS ALL IMMEDIATE")
    drop_trigger("vouchers_programmetier", "rule_stands_once_open")
    assert (
        run("UPDATE vouchers_programmetier SET ratio_basis_points = 10000") == ProgrammeTier.objects.count()
    )


def test_closing_returns_the_rest_and_what_comes_back_later_follows(body, buyer, fund, now):
    programme = vouchers.programme(body)
    close_programme(actor=acting(body), programme_id=programme.pk, now=now)
    programme.refresh_from_db()
    assert (programme.status, programme.account.balance) == (Programme.Status.CLOSED, 0)
    assert balance_of(body).available == 1_000_000
    with pytest.raises(ProgrammeRefused, match="Only an open programme"):
        close_programme(actor=acting(body), programme_id=programme.pk, now=now)
    assert return_rest_of_closed(now=now) == 0
    assert Transfer.objects.filter(kind="programme_closed").count() == 1
    with pytest.raises(DatabaseError), transaction.atomic():
        Programme.objects.update(status=Programme.Status.OPEN, closed_at=None)


def test_a_programme_whose_period_is_over_is_not_opened(body, now):
    draft = write_programme(
        actor=acting(body),
        rules=replace(vouchers.rules(), ends_at=now, starts_at=now - datetime.timedelta(9)),
        now=now,
    )
    with pytest.raises(ProgrammeRefused, match="period is over"):
        open_programme(actor=acting(body), programme_id=draft.pk, now=now)
