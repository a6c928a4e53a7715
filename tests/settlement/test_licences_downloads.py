"""An artefact by a link that lives five minutes: who gets one, what it opens, and what is written down."""

import base64
import datetime
import hashlib

import pytest
from django.core import signing
from django.core.files.base import ContentFile
from django.db import ProgrammingError, transaction
from django.test import Client

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Member, Role
from settlement.licences.errors import LicenceSuspended, LinkRefused
from settlement.licences.models import Download, Licence
from settlement.licences.operations import (
    link_for_member,
    link_for_software,
    open_link,
    revoke_token,
    suspend_licence,
)
from settlement.licences.operations.download import LIVES, PURPOSE
from tests.factories.accounts import NOW, MemberFactory
from tests.factories.licences import licensed, token_of
from tests.factories.listings import AlgorithmVersionFactory
from tests.factories.settlement import acting
from tests.settlement.triggers import run

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 8
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SECOND = datetime.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def version(media):
    version = AlgorithmVersionFactory(
        number="2/0 β", reference="", file="x", sha256=SHA256, size_bytes=len(CONTENT)
    )
    version.file.save(f"{SHA256}.safetensors", ContentFile(CONTENT))
    return version


@pytest.fixture
def licence(buyer, version) -> Licence:
    return licensed(buyer, algorithm=version.algorithm)


def ticket_of(licence) -> str:
    return link_for_member(actor=acting(licence.licensee), licence_id=licence.pk, now=NOW).ticket


def get(ticket, **headers):
    return Client(REMOTE_ADDR="192.0.2.7").get(f"/artefacts/{ticket}/", headers=headers)


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def test_the_file_comes_with_its_hash_and_is_written_down(licence, version, clock):
    response = get(ticket_of(licence))
    assert body(response) == CONTENT
    assert response["X-Checksum-SHA256"] == SHA256
    digest = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    assert response["Repr-Digest"] == f"sha-256=:{digest}:"
    assert response["Content-Length"] == str(len(CONTENT))
    name = f"{version.algorithm.slug}-2-0--.safetensors"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    logged = Download.objects.get()
    assert (logged.licence, logged.version, logged.at) == (licence, version, NOW)
    assert logged.user == acting(licence.licensee).user
    assert (logged.ip_address, logged.first_byte) == ("192.0.2.7", 0)


@pytest.mark.parametrize(
    ("header", "expected", "said"),
    [
        ("bytes=2000-", CONTENT[2000:], "bytes 2000-2047/2048"),
        ("bytes=0-9", CONTENT[:10], "bytes 0-9/2048"),
        ("bytes=2047-99999", CONTENT[2047:], "bytes 2047-2047/2048"),
        ("bytes=0-", CONTENT, None),
        ("bytes=-5", CONTENT, None),
        ("bytes=0-1,5-6", CONTENT, None),
        ("lines=1-2", CONTENT, None),
    ],
)
def test_a_download_that_was_cut_short_goes_on(licence, clock, header, expected, said):
    response = get(ticket_of(licence), range=header)
    assert body(response) == expected
    assert response.status_code == (206 if said else 200)
    assert response.get("Content-Range") == said
    assert response["Content-Length"] == str(len(expected))


@pytest.mark.parametrize("header", ["bytes=2048-", "bytes=9-3"])
def test_a_range_past_the_end_is_refused(licence, clock, header):
    response = get(ticket_of(licence), range=header)
    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */2048"


def test_a_version_that_is_kept_elsewhere_is_given_and_written_down(buyer, clock):
    version = AlgorithmVersionFactory(reference="https://models.example/w.safetensors", sha256="c" * 64)
    response = get(ticket_of(licensed(buyer, algorithm=version.algorithm)))
    assert (response.status_code, response["Location"]) == (302, version.reference)
    assert response["X-Checksum-SHA256"] == "c" * 64
    assert Download.objects.get().version == version


def test_a_link_lives_five_minutes(licence, clock, monkeypatch):
    assert datetime.timedelta(minutes=5) == LIVES
    ticket = ticket_of(licence)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + LIVES - SECOND)
    assert get(ticket).status_code == 200
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + LIVES)
    page = get(ticket)
    assert page.status_code == 403
    assert "has expired" in page.content.decode()
    assert Download.objects.count() == 1


def test_a_link_that_was_changed_or_signed_for_something_else_opens_nothing(licence, version, clock):
    ticket = ticket_of(licence)
    facts = signing.loads(ticket, salt=PURPOSE)
    for forged in (
        ticket[:-1] + ("A" if ticket[-1] != "A" else "B"),
        "x" + ticket,
        signing.dumps(facts, salt="password reset"),
        signing.dumps(facts, salt=PURPOSE, key="another secret"),
        "nothing",
    ):
        assert get(forged).status_code == 403
    assert not Download.objects.exists()


def test_the_right_is_asked_for_again_when_the_link_is_used(licence, buyer, clock):
    engineer = MemberFactory(organisation=buyer, role=Role.ENGINEER)
    link = link_for_member(actor=acting(buyer, Role.ENGINEER), licence_id=licence.pk, now=NOW)
    assert get(link.ticket).status_code == 200
    Member.objects.filter(pk=engineer.pk).update(role=Role.VIEWER)
    assert get(link.ticket).status_code == 403

    token = token_of(licence)
    soft = link_for_software(token=token, now=NOW)
    assert get(soft.ticket).status_code == 200
    revoke_token(actor=acting(buyer), licence_id=licence.pk, token_id=token.pk, now=NOW)
    with pytest.raises(LinkRefused, match="revoked"):
        open_link(ticket=soft.ticket, ip_address=None, first_byte=0, now=NOW)

    ticket = ticket_of(licence)
    suspend_licence(
        actor=acting(licence.publisher),
        licence_id=licence.pk,
        by=Licence.Suspender.PUBLISHER,
        reason="Resold.",
        now=NOW,
    )
    assert get(ticket).status_code == 409
    with pytest.raises(LicenceSuspended):
        ticket_of(licence)
    assert Download.objects.count() == 2


def test_a_licence_opens_the_version_that_was_out_when_it_was_bought(licence, version, buyer, clock):
    AlgorithmVersionFactory(algorithm=version.algorithm, number="3", released_at=NOW + SECOND)
    assert body(get(ticket_of(licence))) == CONTENT
    with pytest.raises(InvalidInput, match="no version"):
        ticket_of(licensed(buyer))


def test_only_the_licensees_users_of_licences_get_a_link(licence, buyer, stranger, viewer):
    for actor in (
        acting(buyer, Role.VIEWER),
        acting(buyer, Role.FINANCE),
        acting(stranger.organisation),
        acting(licence.publisher),
    ):
        with pytest.raises(NotAllowed):
            link_for_member(actor=actor, licence_id=licence.pk, now=NOW)


def test_what_was_downloaded_stays_written_down(licence, clock):
    get(ticket_of(licence))
    for sql in ("UPDATE licences_download SET ip_address = NULL", "DELETE FROM licences_download"):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            run(sql)
