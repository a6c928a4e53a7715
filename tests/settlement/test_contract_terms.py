"""What a contract says beside who, what and how much."""

import dataclasses
import json

import pytest

from accounts.models import Jurisdiction
from listings.models import Hub
from settlement.contracts.operations import open_contracts
from settlement.contracts.terms import break_fee_basis_points_of, data_path, tiers_of
from tests.factories.accounts import OrganisationFactory
from tests.factories.listings import AlgorithmVersionFactory, FacilityFactory, LicencePlanFactory, PoolFactory
from tests.factories.settlement import compute_draft, licence_draft

pytestmark = pytest.mark.django_db


def document_of(contract):
    return json.loads(contract.document)


@pytest.fixture
def bundle(buyer, provider, fund, now, settings):
    settings.BREAK_FEE_BASIS_POINTS = 1500
    fund(buyer, 10_000_000)
    plan = LicencePlanFactory(algorithm__publisher=provider)
    AlgorithmVersionFactory(algorithm=plan.algorithm, number="2.0", sha256="a" * 64)
    pool = PoolFactory(facility__provider=provider)
    drafts = [
        dataclasses.replace(compute_draft(buyer, pool, now=now), bundle="order:1"),
        dataclasses.replace(licence_draft(buyer, plan, now=now), bundle="order:1"),
        compute_draft(buyer, pool, now=now, number=2),
    ]
    return open_contracts(drafts=drafts, now=now)


def test_a_compute_contract_states_service_level_data_use_and_break_fee(bundle):
    compute = bundle[0]
    terms = document_of(compute)["terms"]
    assert terms["service_level"]["tiers"][0] == {"below": 9950, "credit": 1000}
    assert terms["data"] == {
        "allowed": ["general", "personal"],
        "excluded": ["important", "core"],
        "processed_in": "mainland",
        "path": "across",  # The tests' buyers are registered elsewhere.
    }
    assert "mining" in terms["acceptable_use"]["excluded"]
    assert break_fee_basis_points_of(compute) == 1500
    assert [tier.credit for tier in tiers_of(compute)] == [1000, 3000, 10_000]
    product = document_of(compute)["product"]
    assert (product["jurisdiction"], product["memory_gb"]) == ("mainland", 80)


def test_a_licence_contract_names_the_version_and_its_hash(bundle):
    product = document_of(bundle[1])["product"]
    assert product["version"] == {"number": "2.0", "sha256": "a" * 64, "size_bytes": 1_000_000}
    assert (product["binding"], product["data_class"]) == ("floating", "general")
    assert (product["territory"], product["commercial"], product["derivatives"]) == ("mainland", True, False)


def test_contracts_bought_together_name_each_other(bundle):
    compute, licence, other = bundle
    assert document_of(compute)["bundle"] == {"name": "order:1", "with": [licence.number]}
    assert document_of(licence)["bundle"] == {"name": "order:1", "with": [compute.number]}
    assert document_of(other)["bundle"] is None


MAINLAND, HK, MACAO, OTHER = Jurisdiction


@pytest.mark.parametrize(
    ("buyer_in", "facility_in", "hub", "path"),
    [
        (MAINLAND, MAINLAND, "", "within"),
        (HK, MAINLAND, Hub.GREATER_BAY, "greater_bay"),
        (HK, MAINLAND, Hub.GUIZHOU, "across"),
        (MAINLAND, MACAO, "", "greater_bay"),
        (MACAO, HK, "", "greater_bay"),
        (OTHER, MAINLAND, Hub.GREATER_BAY, "across"),
        (MAINLAND, OTHER, "", "across"),
    ],
)
def test_the_path_of_data_follows_the_places(buyer_in, facility_in, hub, path):
    buyer = OrganisationFactory(jurisdiction=buyer_in)
    assert data_path(buyer, FacilityFactory(jurisdiction=facility_in, hub=hub)) == path
