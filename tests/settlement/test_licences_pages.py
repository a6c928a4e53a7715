"""The pages of licences: for the holder's engineers and teammates, the publisher, strangers, the operator."""

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from accounts.models import Role
from settlement.contracts.operations import open_contracts
from settlement.licences.models import Activation, Licence, LicenceToken
from settlement.licences.operations import activate
from tests.factories.accounts import NOW
from tests.factories.licences import licensed, machine, token_of
from tests.factories.listings import AlgorithmVersionFactory, LicencePlanFactory
from tests.factories.settlement import licence_draft
from tests.settlement.browsing import as_user, member_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_noon(clock, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def licence(buyer) -> Licence:
    version = AlgorithmVersionFactory(number="2.1", reference="", file="x", size_bytes=5)
    version.file.save("a.gguf", ContentFile(b"GGUF!"))
    return licensed(buyer, seats=2, kind="per_call", calls=100, algorithm=version.algorithm)


@pytest.fixture
def path(licence) -> str:
    return f"/licences/{licence.number}/"


def test_an_engineer_finds_key_machines_tokens_and_files(licence, buyer, path):
    engineer = member_of(buyer, Role.ENGINEER)
    assert licence.number in text_of(engineer.get("/licences/"))
    assert "No machine has a seat" in text_of(engineer.get(path))
    activate(token=token_of(licence), machine=machine("m-1"), now=NOW)
    page = text_of(engineer.get(path))
    for words in (licence.key, "host m-1", "Take back", "2.1", "Create a token", "Seat taken", "0", "of 200"):
        assert words in page


def test_a_teammate_sees_terms_but_no_key_and_changes_nothing(licence, viewer, path):
    activate(token=token_of(licence), machine=machine("m-1"), now=NOW)
    seat, token = Activation.objects.get(), LicenceToken.objects.get()
    teammate = as_user(viewer.user)
    page = text_of(teammate.get(path))
    assert licence.contract.plan.name in page
    for secret in (licence.key, "m-1", "Seat taken", "Create a token"):
        assert secret not in page
    for change in (
        "tokens/",
        f"tokens/{token.pk}/revoke/",
        f"seats/{seat.pk}/reclaim/",
        "download/",
        "suspend/",
        "reinstate/",
    ):
        assert teammate.post(path + change, {"name": "x", "reason": "x"}).status_code == 403
    assert Activation.objects.active().count() == 1
    assert LicenceToken.objects.filter(revoked_at=None).count() == 1


def test_a_stranger_finds_nothing(licence, stranger, path):
    token_of(licence)
    token = LicenceToken.objects.get()
    outside = as_user(stranger.user)
    assert licence.number not in text_of(outside.get("/licences/"))
    assert outside.get(path).status_code == 404
    for change in ("tokens/", f"tokens/{token.pk}/revoke/", "suspend/", "reinstate/", "download/"):
        assert outside.post(path + change, {"name": "x", "reason": "x"}).status_code == 404
    assert Client().get(path).status_code == 302
    assert outside.get("/operator/licences/").status_code == 403


def test_a_token_is_shown_once_and_revoked(licence, buyer, path):
    engineer = member_of(buyer, Role.ENGINEER)
    page = text_of(engineer.post(path + "tokens/", {"name": "cluster 7"}))
    token = LicenceToken.objects.get()
    assert f"spl_{token.prefix}_" in page
    assert "cannot be shown again" in page
    assert token.secret_hash not in page
    assert "cluster 7" in text_of(engineer.get(path))
    assert engineer.post(path + "tokens/", {"name": " "}).status_code == 422
    assert engineer.post(f"{path}tokens/{token.pk}/revoke/").status_code == 302
    token.refresh_from_db()
    assert token.revoked_at == NOW


def test_a_seat_is_taken_back(licence, buyer, path):
    activate(token=token_of(licence), machine=machine("m-1"), now=NOW)
    seat = Activation.objects.get()
    engineer = member_of(buyer, Role.ENGINEER)
    answer = engineer.post(f"{path}seats/{seat.pk}/reclaim/", follow=True)
    assert "The seat is free." in text_of(answer)
    assert not Activation.objects.active().exists()


def test_a_file_is_downloaded_through_a_link(licence, buyer, path):
    engineer = member_of(buyer, Role.ENGINEER)
    answer = engineer.post(path + "download/", follow=True)
    assert b"".join(answer.streaming_content) == b"GGUF!"
    assert answer.redirect_chain[0][0].startswith("/artefacts/")
    assert "Latest downloads" in text_of(engineer.get(path))


def test_the_publisher_sees_who_holds_it_suspends_and_reinstates(licence, buyer, path):
    trader = member_of(licence.publisher, Role.TRADER)
    activate(token=token_of(licence), machine=machine("m-1"), now=NOW)
    page = text_of(trader.get(path))
    assert buyer.name_en in page
    for own in (licence.key, "m-1", "Seat taken", "Token created"):
        assert own not in page, "the holder's machines and members are its own"
    assert trader.post(path + "suspend/", {"reason": ""}).status_code == 422
    assert trader.post(path + "suspend/", {"reason": "Resold."}).status_code == 302
    assert "Suspended" in text_of(trader.get(path))
    seen = text_of(member_of(buyer, Role.VIEWER).get(path))
    assert "Resold." in seen
    assert "The publisher has suspended this licence" in seen
    assert trader.post(path + "reinstate/").status_code == 302
    licence.refresh_from_db()
    assert licence.status == Licence.Status.ACTIVE


def test_each_party_does_its_own_part_alone(licence, owner, path):
    holder, publisher = as_user(owner.user), member_of(licence.publisher, Role.OWNER)
    for client, change in [
        (holder, "suspend/"),
        (holder, "reinstate/"),
        (publisher, "tokens/"),
        (publisher, "download/"),
    ]:
        assert client.post(path + change, {"name": "x", "reason": "x"}).status_code == 404


def test_the_operator_suspends_reinstates_and_revokes(licence, operator, owner):
    path = f"/operator/licences/{licence.number}/"
    staff = as_user(operator)
    assert licence.number in text_of(staff.get("/operator/licences/?status=active"))
    assert licence.number not in text_of(staff.get("/operator/licences/?status=revoked"))
    page = text_of(staff.get(path))
    assert licence.key not in page
    for change in ("suspend/", "reinstate/", "revoke/"):
        assert as_user(owner.user).post(path + change, {"reason": "x"}).status_code == 403
    assert staff.post(path + "suspend/", {"reason": "Inquiry."}).status_code == 302
    assert staff.post(path + "reinstate/").status_code == 302
    assert staff.post(path + "revoke/", {"revoke-reason": ""}).status_code == 422
    assert staff.post(path + "revoke/", {"revoke-reason": "Decided."}).status_code == 302
    assert "Revoked" in text_of(staff.get(path))
    seen = text_of(as_user(owner.user).get(f"/licences/{licence.number}/"))
    assert "revoked for good" in seen
    for offer in ("/download/", "Create a token"):
        assert offer not in seen
    assert "Only a suspended licence" in text_of(staff.post(path + "reinstate/", follow=True))


def test_a_licence_that_is_due_is_issued_when_its_page_is_opened(buyer, owner, stranger, fund):
    plan = LicencePlanFactory()
    fund(buyer, plan.price)
    [contract] = open_contracts(drafts=[licence_draft(buyer, plan, now=NOW, seats=1)], now=NOW)
    assert as_user(stranger.user).get(f"/licences/{contract.number}/").status_code == 404
    assert not Licence.objects.exists()
    page = text_of(as_user(owner.user).get(f"/contracts/{contract.number}/"))
    assert f"/licences/{contract.number}/" in page
    text_of(as_user(owner.user).get(f"/licences/{contract.number}/"))
    assert Licence.objects.get().contract == contract


def test_the_list_tells_whose_it_is(licence, buyer, path):
    owner = member_of(licence.publisher, Role.OWNER)
    assert "holds it of us" in text_of(owner.get("/licences/"))
    assert "No licence meets these filters" in text_of(owner.get("/licences/?side=contract__buyer"))
    assert "licenses to us" in text_of(member_of(buyer, Role.VIEWER).get("/licences/?side=contract__buyer"))
