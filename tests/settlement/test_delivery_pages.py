"""Who sees and does what on the pages of delivery and disputes."""

import datetime

import pytest
from cryptography.fernet import InvalidToken
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import AuditEvent, Role
from settlement.contracts.models import Contract
from settlement.contracts.operations import open_contracts
from settlement.delivery.models import AccessDetails, Delivery, Dispute, Evidence, UsageRecord
from settlement.delivery.operations import release, report_access, view_access
from settlement.delivery.secrets import decrypt, encrypt
from tests.factories.accounts import MemberFactory, UserFactory
from tests.factories.listings import PoolFactory
from tests.factories.settlement import HOUR, acting, compute_draft, meter
from tests.settlement.browsing import as_user, member_of, text_of

pytestmark = pytest.mark.django_db

START = datetime.datetime(2026, 6, 1, 5, 0, tzinfo=datetime.UTC)
SECRET = "ssh suanpan@gpu-7.example, key abacus"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def contract(buyer, provider, fund, now, monkeypatch) -> Contract:
    fund(buyer, 6200)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=now)
    [opened] = open_contracts(drafts=[draft], now=now)
    monkeypatch.setattr("django.utils.timezone.now", lambda: START + 2 * HOUR)
    return opened


def test_the_provider_reports_state_meter_and_access_details(contract, provider, owner):
    path = f"/contracts/{contract.number}/delivery/"
    engineer = member_of(provider, Role.ENGINEER)
    engineer.post(path + "state/", {"state": "active"})
    shanghai = "2026-06-01 13:00"  # The organisation's zone: 05:00 UTC.
    usage = {"slot": shanghai, "delivered_seconds": 7000, "source": "page", "revision": 0}
    assert engineer.post(path + "usage/", usage).status_code == 302
    assert engineer.post(path + "access/", {"text": SECRET}).status_code == 302
    assert UsageRecord.objects.get().slot == START
    release(now=START + HOUR)
    assert Delivery.objects.get().credit == 600
    seen = text_of(as_user(owner.user).get(path))
    assert "Active" in seen
    assert "97.22" in seen
    assert "¥6.00" in seen
    assert SECRET not in seen
    refused = engineer.post(path + "usage/", usage | {"delivered_seconds": 7201, "revision": 1})
    assert "0 to 7200" in text_of(refused, 422)
    refused = engineer.post(path + "state/", {"state": "provisioning"})
    assert "cannot become" in text_of(refused, 422)


def test_others_report_nothing(contract, provider, owner, stranger):
    path = f"/contracts/{contract.number}/delivery/"
    for client, status in [
        (member_of(provider, Role.VIEWER), 403),
        (as_user(owner.user), 422),
        (as_user(stranger.user), 404),
    ]:
        assert client.post(path + "state/", {"state": "active"}).status_code == status
        assert client.post(path + "access/", {"text": "x"}).status_code == status
    assert as_user(stranger.user).get(path).status_code == 404
    assert Client().get(path).status_code == 302
    assert not AccessDetails.objects.exists()
    assert not contract.state_reports.exists()


def test_access_details_are_for_the_buyers_owners_and_engineers_and_each_look_is_audited(
    contract, buyer, provider, trader, viewer, stranger, now
):
    report_access(actor=acting(provider), contract_id=contract.pk, text=SECRET, now=now)
    path = f"/contracts/{contract.number}/delivery/access/show/"
    for client, status in [
        (as_user(trader.user), 403),
        (as_user(viewer.user), 403),
        (member_of(provider, Role.OWNER), 403),
        (as_user(stranger.user), 404),
    ]:
        assert client.post(path).status_code == status
    assert not AuditEvent.objects.filter(verb="see").exists()
    engineer = member_of(buyer, Role.ENGINEER)
    assert engineer.get(path).status_code == 405
    assert SECRET in text_of(engineer.post(path))
    assert SECRET in text_of(member_of(buyer, Role.OWNER).post(path))
    looks = AuditEvent.objects.filter(verb="see")
    assert [looks.filter(organisation=each).count() for each in (buyer, provider)] == [2, 2]


def test_access_details_are_encrypted_and_keys_rotate(contract, buyer, provider, now, settings):
    settings.ACCESS_KEYS = ["old"]
    details = report_access(actor=acting(provider), contract_id=contract.pk, text=SECRET, now=now)
    assert SECRET.encode() not in bytes(AccessDetails.objects.get(pk=details.pk).ciphertext)
    settings.ACCESS_KEYS = ["new", "old"]
    assert view_access(actor=acting(buyer), contract_id=contract.pk, now=now) == SECRET
    renewed = encrypt(SECRET)
    settings.ACCESS_KEYS = ["new"]
    assert decrypt(renewed) == SECRET
    with pytest.raises(InvalidToken):
        decrypt(bytes(details.ciphertext))


def test_the_contracts_page_shows_the_time_and_the_money_left(contract, owner):
    meter(contract, now=START + HOUR)
    release(now=START + HOUR)
    page = text_of(as_user(owner.user).get(f"/contracts/{contract.number}/"))
    for words in ("Time left", "1 hour", "Money left", "¥42.00", "Scheduled"):
        assert words in page


def test_a_dispute_walks_from_claim_to_decision(contract, owner, viewer, buyer, provider, stranger, operator):
    buys, provides = as_user(owner.user), member_of(provider, Role.OWNER)
    path = f"/contracts/{contract.number}/disputes/new/"
    claim = {
        "first_slot": START.isoformat(),
        "last_slot": (START + HOUR).isoformat(),
        "amount": "10.00",
        "text": "Half of the units were down.",
        "evidence": [
            SimpleUploadedFile("gpu.log", b"down"),
            SimpleUploadedFile("shot.png", b"\x89PNG\r\n\x1a\n"),
        ],
    }
    assert buys.get(path).status_code == 200
    assert as_user(viewer.user).get(path).status_code == 403
    assert as_user(stranger.user).post(path, claim).status_code == 404
    wrong = claim | {"evidence": [SimpleUploadedFile("x.exe", b"MZ")]}
    assert "x.exe" in text_of(buys.post(path, wrong))
    claim["evidence"] = [SimpleUploadedFile("gpu.log", b"down"), SimpleUploadedFile("s.pdf", b"%PDF-")]
    assert buys.post(path, claim).status_code == 302
    dispute = Dispute.objects.get()
    assert (dispute.amount, len(dispute.slots), Evidence.objects.count()) == (1000, 2, 2)
    page = f"/disputes/{dispute.pk}/"
    assert "Half of the units" in text_of(provides.get(page))
    assert as_user(stranger.user).get(page).status_code == 404
    assert provides.post(page, {"text": "They were up."}).status_code == 302
    assert "They were up." in text_of(as_user(viewer.user).get(page))

    file = f"/disputes/evidence/{Evidence.objects.first().pk}/"
    for client in (buys, provides, as_user(operator)):
        response = client.get(file)
        assert b"".join(response.streaming_content) == b"down"
        assert response["Content-Disposition"].startswith("attachment")
    for client in (as_user(stranger.user), Client()):
        assert client.get(file).status_code == 404

    decides = as_user(operator)
    assert contract.number in text_of(decides.get("/operator/disputes/"))
    decision = f"/operator/disputes/{dispute.pk}/"
    for client in (buys, provides):
        assert client.get("/operator/disputes/").status_code == 403
        assert client.post(decision, {"refund": "10", "text": "Mine."}).status_code == 403
    assert "Give back between" in text_of(decides.post(decision, {"refund": "10.01", "text": "So."}))
    assert decides.post(decision, {"refund": "10.00", "text": "The log shows it."}).status_code == 302
    assert "The log shows it." in text_of(buys.get(page))
    assert "¥10.00" in text_of(decides.get(decision))


def test_evidence_waits_for_the_second_factor_of_operators_and_owners(contract, provider, operator):
    buys = member_of(contract.buyer, Role.FINANCE)
    claim = {
        "text": "It was down.",
        "evidence": [SimpleUploadedFile("gpu.log", b"down")],
        "first_slot": "",
        "last_slot": "",
        "amount": "10.00",
    }
    assert buys.post(f"/contracts/{contract.number}/disputes/new/", claim).status_code == 302
    file = f"/disputes/evidence/{Evidence.objects.get().pk}/"
    for user in (
        UserFactory(is_staff=True, second_factor=False),
        MemberFactory(organisation=provider, role=Role.OWNER, user=UserFactory(second_factor=False)).user,
    ):
        refused = as_user(user).get(file)
        assert refused.status_code == 302
        assert "2fa" in refused["Location"]
    assert as_user(operator).get(file).status_code == 200
