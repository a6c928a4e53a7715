"""Nobody trades who has not accepted the master agreement; who did so, and when, stands for ever."""

import dataclasses
import datetime
import hashlib
import importlib
import json
import re

import pytest
from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, transaction
from django.test import Client

from accounts.audit import Actor
from accounts.errors import NotAllowed
from accounts.models import AuditEvent, Organisation, OutgoingEmail, Role
from accounts.operations import create_api_key
from marketplace.trading.errors import NoEligiblePool, NotOnSale
from marketplace.trading.models import Order
from settlement.contracts.agreement import TEXTS, newest_version, text_of
from settlement.contracts.errors import AgreementReplaced, ContractRefused, NotAccepted
from settlement.contracts.models import Acceptance, Contract, MasterAgreement
from settlement.contracts.operations import accept_agreement, open_contracts, publish_agreement
from settlement.contracts.queries import bound_organisations, require_accepted
from tests.factories.accounts import MemberFactory, OrganisationFactory
from tests.factories.listings import CapacityFactory, LicencePlanFactory, PoolFactory
from tests.factories.settlement import acting, compute_draft, fund
from tests.factories.trading import bid, cleared_round, funded_buyer, licence_order
from tests.settlement.triggers import drop_constraint, drop_trigger, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def newcomer(db) -> Organisation:
    """A verified organisation that has not accepted."""
    organisation = OrganisationFactory(bound=False)
    fund(organisation, 10_000_000)
    return organisation


@pytest.fixture
def unbound_provider(db) -> Organisation:
    return OrganisationFactory(bound=False)


def accept(organisation, role=Role.OWNER, **changes) -> Acceptance:
    now = datetime.datetime(2026, 6, 1, 4, 0, tzinfo=datetime.UTC)
    sha256 = changes.pop("sha256", publish_agreement(now=now).sha256)
    return accept_agreement(actor=acting(organisation, role), sha256=sha256, now=now, ip="203.0.113.7")


def replaced_by_a_newer_one(now) -> MasterAgreement:
    return MasterAgreement.objects.create(version=newest_version() + 1, sha256="f" * 64, published_at=now)


def test_every_version_has_both_languages_and_one_hash_of_both():
    for version in range(1, newest_version() + 1):
        zh, en = ((TEXTS / f"v{version}.{language}.md").read_bytes() for language in ("zh", "en"))
        assert text_of(version).sha256 == hashlib.sha256(zh + en).hexdigest()
        chapters = [len(re.findall(r"^## ", text.decode(), re.MULTILINE)) for text in (zh, en)]
        clauses = [re.findall(r"^(\d+\.\d+) ", text.decode(), re.MULTILINE) for text in (zh, en)]
        assert chapters == [18, 18]
        assert clauses[0] == clauses[1]


def test_a_published_version_is_never_edited():
    """Contracts name this hash: a change is a new version, in new files."""
    assert text_of(1).sha256 == "eb251f3d49f859ddc63909e27b11b9093a11382728474724ba7f67045b5e6ed3"


def test_an_owner_accepts_for_the_organisation_once(newcomer, now):
    with pytest.raises(NotAccepted, match="has not accepted the master agreement"):
        require_accepted(newcomer, now=now)
    first, again = accept(newcomer), accept(newcomer)
    assert first == again
    assert (first.user, first.accepted_at, first.ip) == (acting(newcomer).user, now, "203.0.113.7")
    require_accepted(newcomer, now=now)
    assert AuditEvent.objects.filter(organisation=newcomer, verb="accept").count() == 1


@pytest.mark.parametrize("role", [Role.TRADER, Role.FINANCE, Role.ENGINEER, Role.VIEWER])
def test_only_an_owner_accepts(newcomer, role):
    with pytest.raises(NotAllowed):
        accept(newcomer, role)
    assert not Acceptance.objects.filter(organisation=newcomer).exists()


def test_a_program_accepts_nothing(newcomer, now):
    owner = acting(newcomer)
    key, _ = create_api_key(
        actor=owner,
        name="partner",
        scopes=["orders", "money"],
        expires_at=now + datetime.timedelta(days=1),
        now=now,
    )
    with pytest.raises(NotAllowed):
        accept_agreement(
            actor=Actor(api_key=key, organisation=newcomer), sha256=publish_agreement(now=now).sha256, now=now
        )


def test_what_was_read_is_what_is_accepted(newcomer, now):
    with pytest.raises(AgreementReplaced):
        accept(newcomer, sha256="0" * 64)


def test_a_buyer_places_nothing_before_it_has_accepted(newcomer, now):
    CapacityFactory()
    plan = LicencePlanFactory()
    with pytest.raises(NotAccepted):
        bid(newcomer)
    with pytest.raises(NotAccepted):
        licence_order(plan, newcomer)
    accept(newcomer)
    assert bid(newcomer).status == Order.Status.RESTING
    assert licence_order(plan, newcomer).status == Order.Status.RESTING


def test_nothing_is_bought_of_a_provider_that_has_not_accepted(unbound_provider):
    CapacityFactory(pool__facility__provider=unbound_provider)
    plan = LicencePlanFactory(algorithm__publisher=unbound_provider)
    with pytest.raises(NoEligiblePool):
        bid()
    with pytest.raises(NotOnSale):
        licence_order(plan)
    accept(unbound_provider)
    assert bid().status == Order.Status.RESTING
    assert licence_order(plan).status == Order.Status.RESTING


def test_a_round_sells_only_what_bound_providers_offer_and_never_fails_for_it(now, settings):
    """Their acceptance ran out after the orders were placed: the orders rest again, and the round settles."""
    settings.AGREEMENT_GRACE_DAYS = 0
    CapacityFactory()
    limited, unlimited = LicencePlanFactory(supply=5), LicencePlanFactory()
    orders = [bid(), licence_order(limited), licence_order(unlimited)]
    replaced_by_a_newer_one(now)
    newest = MasterAgreement.objects.last()
    for order in orders:
        Acceptance.objects.create(
            organisation=order.organisation, agreement=newest, user=order.placed_by, accepted_at=now
        )
    settled = cleared_round()
    assert settled.matched_count == 0
    assert not Contract.objects.exists()
    for order in orders:
        order.refresh_from_db()
        assert order.status == Order.Status.RESTING


def test_without_the_gates_guard_a_round_would_stand_still(unbound_provider, monkeypatch):
    """The guard off: the trade cannot become a contract, so its round would never settle."""
    everybody = lambda now: Organisation.objects.values_list("pk", flat=True)  # noqa: E731
    for module in ("place_bid", "close_gate"):
        name = f"marketplace.trading.operations.{module}.bound_organisations"
        monkeypatch.setattr(name, everybody)
    CapacityFactory(pool__facility__provider=unbound_provider)
    bid()
    with pytest.raises(ContractRefused):
        cleared_round()


def test_an_order_of_a_buyer_whose_acceptance_ran_out_waits(now, settings):
    settings.AGREEMENT_GRACE_DAYS = 0
    capacity = CapacityFactory()
    order = bid()
    replaced_by_a_newer_one(now)
    provider = capacity.pool.facility.provider
    newest = MasterAgreement.objects.last()
    Acceptance.objects.create(
        organisation=provider, agreement=newest, user=provider.verified_by, accepted_at=now
    )
    assert cleared_round().order_count == 0
    order.refresh_from_db()
    assert order.status == Order.Status.RESTING


def test_a_replaced_version_stays_valid_for_a_while(newcomer, now, settings):
    settings.AGREEMENT_GRACE_DAYS = 30
    accept(newcomer)
    replaced_by_a_newer_one(now)
    last = now + datetime.timedelta(days=30)
    assert newcomer.pk in bound_organisations(last - datetime.timedelta(seconds=1))
    assert newcomer.pk not in bound_organisations(last)


def test_a_contract_names_the_older_version_and_both_acceptances(buyer, provider, owner, fund, now):
    newer = replaced_by_a_newer_one(now)
    Acceptance.objects.create(organisation=buyer, agreement=newer, user=owner.user, accepted_at=now)
    fund(buyer, 10_000)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=now)
    [contract] = open_contracts(drafts=[draft], now=now)
    agreement = json.loads(contract.document)["agreement"]
    assert (agreement["version"], agreement["sha256"]) == (1, text_of(1).sha256)
    assert agreement["accepted_by_buyer"] == {
        "version": 2,
        "by": str(owner.user),
        "at": "2026-06-01T04:00:00Z",
    }
    assert agreement["accepted_by_provider"]["by"] == str(provider.verified_by)


def test_no_contract_is_made_without_an_acceptance(newcomer, provider, now):
    draft = compute_draft(newcomer, PoolFactory(facility__provider=provider), now=now)
    with pytest.raises(ContractRefused, match="has not accepted"):
        open_contracts(drafts=[draft], now=now)


@pytest.mark.parametrize("model", [MasterAgreement, Acceptance])
def test_what_was_accepted_is_never_changed(newcomer, model, now):
    accept(newcomer)
    field = "published_at" if model is MasterAgreement else "accepted_at"
    for change in ("DELETE FROM {}", f"UPDATE {{}} SET {field} = now()"):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            run(change.format(model._meta.db_table))
    drop_trigger(model._meta.db_table, "append_only")
    assert model.objects.update(**{field: now})  # The harm, were it not for the trigger.


def test_one_acceptance_a_version(newcomer, now):
    first = accept(newcomer)
    twice = {"organisation": newcomer, "agreement": first.agreement, "user": first.user, "accepted_at": now}
    with pytest.raises(IntegrityError, match="accepted_once"), transaction.atomic():
        Acceptance.objects.create(**twice)
    run("SET CONSTRAINTS ALL IMMEDIATE")
    drop_constraint("contracts_acceptance", "accepted_once")
    assert Acceptance.objects.create(**twice).pk


def client_of(organisation, role) -> Client:
    client = Client()
    client.force_login(MemberFactory(organisation=organisation, role=role).user)
    return client


def test_the_page_takes_an_owners_acceptance(newcomer, now):
    owner, viewer = client_of(newcomer, Role.OWNER), client_of(newcomer, Role.VIEWER)
    notice = "has not accepted the master agreement"
    assert notice in owner.get("/organisation/").content.decode()
    page = owner.get("/agreement/").content.decode()
    assert "Article 10. Data classes" in page
    assert "I am entitled to accept it" in page
    sha256 = text_of(1).sha256
    assert sha256 in page
    assert "An owner of your organisation accepts it" in viewer.get("/agreement/").content.decode()
    assert viewer.post("/agreement/accept/", {"sha256": sha256}).status_code == 403
    refused = owner.post("/agreement/accept/", {"sha256": "0" * 64}, follow=True).content.decode()
    assert "A newer version was published" in refused
    done = owner.post("/agreement/accept/", {"sha256": sha256}, follow=True, REMOTE_ADDR="203.0.113.9")
    assert "Your organisation accepted" in done.content.decode()
    assert Acceptance.objects.get(organisation=newcomer).ip == "203.0.113.9"
    assert notice not in owner.get("/organisation/").content.decode()


def test_anybody_reads_it_in_both_languages(client):
    assert "第十条 数据级别" in client.get("/agreement/?language=zh").content.decode()
    assert "Article 18. Governing law" in client.get("/agreement/1/?language=en").content.decode()
    raw = b"".join(client.get(f"/agreement/1/{language}.md").content for language in ("zh", "en"))
    assert hashlib.sha256(raw).hexdigest() == text_of(1).sha256
    assert client.get("/agreement/9/").status_code == 404
    assert client.get("/agreement/1/fr.md").status_code == 404
    assert client.post("/agreement/accept/", {"sha256": "x"}).status_code == 302
    assert funded_buyer().pk in bound_organisations(datetime.datetime.now(datetime.UTC))


def test_owners_are_asked_to_accept_a_version_that_replaces_theirs(newcomer, now, monkeypatch):
    accept(newcomer)
    owner = acting(newcomer).user
    module = importlib.import_module("settlement.contracts.operations.agreements")
    newer = dataclasses.replace(text_of(1), version=2, sha256="e" * 64)
    monkeypatch.setattr(module, "newest_version", lambda: 2)
    monkeypatch.setattr(module, "text_of", lambda version: newer)
    call_command("publish_agreement")
    call_command("publish_agreement")
    [letter] = OutgoingEmail.objects.filter(to=owner.email)
    assert letter.subject == "A new version of the master agreement"
    assert "Version 2 is published" in letter.text
