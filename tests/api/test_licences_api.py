"""What licensed software does with its token over HTTP, and what the token does not open."""

import datetime
import json
import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from accounts.models import Jurisdiction, Organisation, Role, Scope
from settlement.licences.keys import facts_of, holds
from settlement.licences.models import Download, Licence, LicenceToken
from settlement.licences.operations import revoke_token
from tests.api.conftest import Caller
from tests.factories.accounts import NOW, MemberFactory, OrganisationFactory
from tests.factories.licences import licensed, token_and_text
from tests.factories.listings import AlgorithmVersionFactory
from tests.factories.settlement import acting

pytestmark = pytest.mark.django_db
ADDRESSES = {
    "validate": {"nonce": "n-1"},
    "activate": {"fingerprint": "m"},
    "heartbeat": {"fingerprint": "m"},
    "deactivate": {"fingerprint": "m"},
    "calls": {"reports": [{"request_id": "r", "calls": 1}]},
    "download": {},
}


class Software:
    """`software.post("activate", {...})` of its own licence."""

    def __init__(self, licence: Licence) -> None:
        self.licence = licence
        self.token, self.text = token_and_text(licence)
        self.client = Client(headers={"authorization": f"Bearer {self.text}"})

    def post(self, verb: str, body: Any = None, number: str = "") -> HttpResponse:
        path = f"/api/v1/licences/{number or self.licence.number}/{verb}"
        return self.client.post(path, json.dumps(body or {}), content_type="application/json")


@pytest.fixture
def firm(clock: datetime.datetime) -> Organisation:
    return OrganisationFactory(jurisdiction=Jurisdiction.MAINLAND)


@pytest.fixture
def software(firm: Organisation) -> Software:
    version = AlgorithmVersionFactory()
    return Software(licensed(firm, seats=1, kind="per_call", calls=10, algorithm=version.algorithm))


def code(response: HttpResponse) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_software_lives_its_life(software: Software) -> None:
    seat = software.post("activate", {"fingerprint": "m", "name": "gpu-7", "hub": "guizhou"})
    assert seat.status_code == 200, seat.content
    assert (seat.json()["seat"], seat.json()["jurisdiction"], seat.json()["hub"]) == (
        1,
        "mainland",
        "guizhou",
    )
    kept = software.post("heartbeat", {"fingerprint": "m"}).json()
    assert datetime.datetime.fromisoformat(kept["leased_until"]) == NOW + datetime.timedelta(minutes=15)
    answer = software.post("validate", {"fingerprint": "m", "nonce": "n-1"}).json()
    assert (answer["standing"], answer["valid"], answer["activated"]) == ("active", True, True)
    assert holds(answer["statement"])
    said = facts_of(answer["statement"])
    assert (said["nonce"], said["fingerprint"], said["valid"]) == ("n-1", "m", True)
    assert code(software.post("activate", {"fingerprint": "other"})) == (409, "no_seat_free")
    reports = {"reports": [{"request_id": "a", "calls": 9}, {"request_id": "b"}]}
    for counted in (10, 0):
        metered = software.post("calls", reports).json()
        assert metered == {"counted": counted, "used": 10, "quota": 10, "left": 0}
    assert code(software.post("calls", {"reports": [{"request_id": "c"}]})) == (409, "quota_exceeded")
    assert software.post("deactivate", {"fingerprint": "m"}).json() == {"released": True}
    assert software.post("deactivate", {"fingerprint": "m"}).json() == {"released": False}
    assert code(software.post("heartbeat", {"fingerprint": "m"})) == (409, "not_activated")


def test_a_refused_place_says_so(software: Software) -> None:
    abroad = {"fingerprint": "m", "jurisdiction": "other"}
    assert code(software.post("activate", abroad)) == (403, "outside_territory")


def test_a_download_by_token(software: Software) -> None:
    link = software.post("download").json()
    assert datetime.datetime.fromisoformat(link["expires_at"]) == NOW + datetime.timedelta(minutes=5)
    assert link["version"]["sha256"] == "0" * 64
    response = Client().get(link["url"].removeprefix("http://testserver"))
    assert response["Location"] == "https://models.example/weights.safetensors"
    assert (Download.objects.get().token, Download.objects.get().user) == (software.token, None)


@pytest.mark.parametrize("verb", ADDRESSES)
def test_a_token_opens_its_own_licence_alone(software: Software, firm: Organisation, verb: str) -> None:
    other = licensed(firm, kind="per_call", calls=10)
    assert code(software.post(verb, ADDRESSES[verb], number=other.number)) == (404, "not_found")
    assert code(software.post(verb, ADDRESSES[verb], number="SP-1")) == (404, "not_found")


def test_a_token_opens_nothing_else(software: Software) -> None:
    number = software.licence.number
    for method, path in [
        ("GET", "licences"),
        ("GET", f"licences/{number}"),
        ("POST", f"licences/{number}/suspend"),
        ("POST", f"licences/{number}/reinstate"),
        ("GET", "contracts"),
        ("GET", "balance"),
        ("POST", "bids"),
    ]:
        assert software.client.generic(method, f"/api/v1/{path}").status_code == 401, path


@pytest.mark.parametrize("verb", ADDRESSES)
def test_whoever_has_no_live_token_of_the_licence_is_not_known(
    software: Software, firm: Organisation, verb: str
) -> None:
    path = f"/api/v1/licences/{software.licence.number}/{verb}"
    owners_key = Caller(firm, list(Scope), NOW).client
    prefix = software.text.split("_")[1]
    browser = Client()
    browser.force_login(MemberFactory(organisation=firm, role=Role.OWNER).user)
    wrong = Client(headers={"authorization": f"Bearer spl_{prefix}_wrong"})
    for client in (Client(), owners_key, browser, wrong):
        refused = client.post(path, json.dumps(ADDRESSES[verb]), content_type="application/json")
        assert code(refused)[0] == 401
        assert refused["WWW-Authenticate"] == "Bearer"
    revoke_token(actor=acting(firm), licence_id=software.licence.pk, token_id=software.token.pk, now=NOW)
    refused = software.post(verb, ADDRESSES[verb])
    assert refused.status_code == 401
    assert "revoked" in refused.json()["detail"]


def test_the_secret_is_kept_as_a_hash_and_its_use_is_noted(software: Software) -> None:
    secret = software.text.split("_", 2)[2]
    software.post("validate")
    token = LicenceToken.objects.get()
    assert secret not in "".join(str(value) for value in vars(token).values())
    assert token.last_used_at == NOW


def test_a_token_has_an_allowance_of_its_own(
    software: Software, firm: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("settlement.licences.api.throttling.LicenceThrottle.rate", "2/min", raising=False)
    monkeypatch.setattr("rest_framework.throttling.SimpleRateThrottle.timer", staticmethod(lambda: 0.0))
    other = Software(licensed(firm))
    assert [software.post("validate").status_code for _ in range(3)] == [200, 200, 429]
    assert int(software.post("validate")["Retry-After"]) > 0
    assert other.post("validate").status_code == 200


def test_every_address_of_software_is_tested_here() -> None:
    documented = {
        re.sub(r".*\{number\}/", "", path)
        for path, operations in SchemaGenerator().get_schema(public=True)["paths"].items()
        for operation in operations.values()
        if {"licenceToken": []} in operation["security"]
    }
    assert documented == set(ADDRESSES)


def test_the_key_and_the_machines_are_the_licensees_own(software: Software, firm: Organisation) -> None:
    software.post("activate", {"fingerprint": "m"})
    path = f"licences/{software.licence.number}"
    seen = Caller(firm, ["read"], NOW).get(path)
    assert seen.json()["standing"] == "active"
    assert (seen.json()["key"], seen.json()["machines"]) == (None, []), "a key that reads does not use"
    browser = Client()
    browser.force_login(MemberFactory(organisation=firm, role=Role.ENGINEER).user)
    own = browser.get(f"/api/v1/{path}").json()
    assert own["key"] == software.licence.key
    assert [each["fingerprint"] for each in own["machines"]] == ["m"]
    published = Caller(software.licence.publisher, ["read"], NOW).get(path).json()
    assert (published["key"], published["machines"], published["seats_taken"]) == (None, [], 1)
    assert code(Caller(OrganisationFactory(), ["read"], NOW).get(path)) == (404, "not_found")


def test_the_publisher_suspends_and_reinstates_once_for_each_idempotency_key(software: Software) -> None:
    publisher = Caller(software.licence.publisher, ["read", "listings"], NOW)
    path = f"licences/{software.licence.number}"
    for _ in range(2):
        answer = publisher.post(f"{path}/suspend", {"reason": "Resold."}, key="k1")
        assert (answer.status_code, answer.json()["standing"]) == (200, "suspended")
    assert code(publisher.post(f"{path}/suspend", {"reason": "Resold."})) == (409, "wrong_standing")
    assert software.post("validate").json()["valid"] is False
    assert code(software.post("activate", {"fingerprint": "m"})) == (409, "licence_suspended")
    assert publisher.post(f"{path}/reinstate", key="k2").json()["standing"] == "active"
    assert code(publisher.post(f"{path}/suspend", {})) == (422, "invalid")
