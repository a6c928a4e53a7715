"""A contract on paper: all its terms, the same bytes each time, for its parties alone."""

import functools
import json
import re
import time

import pytest

from accounts.models import Role
from settlement.contracts.capitals import in_capitals
from settlement.contracts.operations import open_contracts
from settlement.contracts.pdf import contract_pdf, pdf_data, price_runs
from tests.factories.accounts import MemberFactory
from tests.factories.listings import AlgorithmVersionFactory, LicencePlanFactory, PoolFactory
from tests.factories.settlement import compute_draft, licence_draft
from tests.settlement.browsing import as_user

pytestmark = pytest.mark.django_db

PRICES = (1000,) * 300 + (1001, 900) + (1000,) * 34


@pytest.fixture
def contract(buyer, provider, fund, now, settings):
    settings.SITE_URL = "https://suanpan.example"
    fund(buyer, 10**10)
    pool = PoolFactory(facility__provider=provider)
    [opened] = open_contracts(drafts=[compute_draft(buyer, pool, now=now, prices=PRICES)], now=now)
    return opened


@pytest.fixture
def short(buyer, provider, fund, now):
    fund(buyer, 10_000)
    pool = PoolFactory(facility__provider=provider)
    [opened] = open_contracts(drafts=[compute_draft(buyer, pool, now=now, number=2)], now=now)
    return opened


@pytest.fixture
def licence(buyer, provider, fund, now):
    plan = LicencePlanFactory(algorithm__publisher=provider)
    AlgorithmVersionFactory(algorithm=plan.algorithm)
    fund(buyer, 10**8)
    [opened] = open_contracts(drafts=[licence_draft(buyer, plan, now=now)], now=now)
    return opened


def test_a_long_period_is_written_in_runs_of_one_price(contract):
    data = pdf_data(contract)
    runs = price_runs(data["document"])
    assert [(run.hours, run.price) for run in runs] == [(300, 1000), (1, 1001), (1, 900), (34, 1000)]
    assert runs[1].starts_at == contract.starts_at + 300 * (runs[2].starts_at - runs[1].starts_at)
    assert data["runs"][0] == {
        "from": "2026-06-01 13:00",
        "until": "2026-06-14 01:00",
        "hours": 300,
        "price": "¥10.00",
        "amount": "¥6,000.00",
    }
    assert sum(2 * run.hours * run.price for run in runs) == contract.total
    assert (data["total"], data["capitals"]) == ("¥6,718.02", in_capitals(671_802))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", ["contract", "licence"])
def test_the_same_contract_gives_the_same_bytes_within_a_second(request, kind, language, contract):
    shown = request.getfixturevalue(kind)
    first = contract_pdf(shown, language=language)
    began = time.process_time()
    assert contract_pdf(shown, language=language) == first
    assert time.process_time() - began < 1
    assert first.startswith(b"%PDF-")


def test_other_terms_give_other_bytes(contract, licence):
    assert len({contract_pdf(contract, language="zh"), contract_pdf(contract, language="en")}) == 2
    assert contract_pdf(licence, language="en") != contract_pdf(contract, language="en")


def test_the_code_leads_to_the_public_page(contract, client):
    data = pdf_data(contract)
    assert data["verify_url"] == f"https://suanpan.example/verify/{contract.sha256}/"
    assert re.search(r"<svg.*<path", data["qr"], re.DOTALL)
    assert client.get(f"/verify/{contract.sha256}/").status_code == 200


def test_the_parties_have_it_and_nobody_else(contract, provider, owner, viewer, stranger, client, operator):
    path = f"/contracts/{contract.number}/pdf"
    providers = MemberFactory(organisation=provider, role=Role.ENGINEER).user
    for user in (owner.user, viewer.user, providers):
        for language in ("zh", "en"):
            answer = as_user(user).get(path, {"language": language})
            assert answer["Content-Type"] == "application/pdf"
            assert answer.content == contract_pdf(contract, language=language)
    assert as_user(owner.user).get(path, {"language": "fr"}).status_code == 404
    assert as_user(stranger.user).get(path).status_code == 404
    assert client.get(path).status_code == 302
    assert as_user(operator).get(path).status_code == 302


OTHERWISE = {
    "buyer.name_zh": "另一公司",
    "buyer.name_en": "Another",
    "buyer.registration_number": "X",
    "provider.name_en": "Another",
    "provider.jurisdiction": "macao",
    "product.accelerator": "Z1",
    "product.pool": 77,
    "product.jurisdiction": "hong_kong",
    "product.city": "Shenzhen",
    "product.facility_zh": "另一设施",
    "quantity": 9,
    "opened_at": "2026-01-01T00:00:00Z",
    "starts_at": "2026-01-01T00:00:00Z",
    "ends_at": "2026-12-01T00:00:00Z",
    "hourly_prices_fen": [1000, 1200, 901],
    "total_fen": 1,
    "fee_basis_points": 199,
    "previous_sha256": "b" * 64,
    "bundle": {"name": "x", "with": ["SP-2026-000009"]},
    "agreement.sha256": "c" * 64,
    "agreement.accepted_by_buyer.by": "Somebody else",
    "agreement.accepted_by_provider.at": "2026-01-01T00:00:00Z",
    "terms.service_level.tiers": [{"below": 9990, "credit": 500}],
    "terms.data.allowed": ["general"],
    "terms.data.excluded": ["core"],
    "terms.data.processed_in": "macao",
    "terms.data.path": "within",
    "terms.acceptable_use.excluded": ["mining"],
    "terms.termination.break_fee_basis_points": 1005,
}
LICENCE_OTHERWISE = {
    "product.algorithm_zh": "另一算法",
    "product.version.number": "9.9",
    "product.version.sha256": "d" * 64,
    "product.plan_name": "Another",
    "product.plan_kind": "term",
    "product.territory": "world",
    "product.commercial": False,
    "product.derivatives": True,
    "product.calls": 1000,
    "product.binding": "node_locked",
    "product.data_class": "important",
}


@pytest.mark.parametrize(("kind", "otherwise"), [("short", OTHERWISE), ("licence", LICENCE_OTHERWISE)])
def test_every_term_is_on_the_paper(request, kind, otherwise):
    """Another term, another paper."""
    shown = request.getfixturevalue(kind)
    signed, paper = shown.document, contract_pdf(shown, language="zh")
    for path, value in otherwise.items():
        document = json.loads(signed)
        *way, last = path.split(".")
        place = functools.reduce(lambda row, name: row[name], way, document)
        assert place[last] != value, path
        place[last] = value
        shown.document = json.dumps(document)
        assert contract_pdf(shown, language="zh") != paper, path
