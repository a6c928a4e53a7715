"""A key is shown once, stored hashed, and works within its scopes until it expires or is revoked."""

from datetime import datetime, timedelta

import pytest
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from accounts.audit import Actor
from accounts.authentication import ApiKeyAuthentication, actor_of, check_token
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import ApiKey, AuditEvent, Member, Scope
from accounts.operations import create_api_key, revoke_api_key
from accounts.permissions import Permission, require


@pytest.fixture
def created(as_owner: Actor, now: datetime) -> tuple[ApiKey, str]:
    expires_at = now + timedelta(days=30)
    return create_api_key(actor=as_owner, name="Bridge", scopes=[Scope.READ], expires_at=expires_at, now=now)


def test_the_token_is_nowhere_in_the_database(created: tuple[ApiKey, str]) -> None:
    key, token = created
    assert token.startswith(f"sp_{key.prefix}_")
    secret = token.removeprefix(f"sp_{key.prefix}_")
    assert len(secret) >= 43
    assert secret not in str(ApiKey.objects.values().get()) + str(AuditEvent.objects.values().get())


def test_it_acts_for_its_organisation_within_its_scopes(created: tuple[ApiKey, str], now: datetime) -> None:
    key = check_token(created[1], now=now)
    actor = Actor(api_key=key, organisation=key.organisation)
    require(actor, Permission.VIEW)
    with pytest.raises(NotAllowed):
        require(actor, Permission.TRADE)


@pytest.mark.parametrize("token", ["", "sp", "sp_", "sp_x_y", "Bearer", "sp_00000000_" + "a" * 43, "sp_é_é"])
def test_a_token_that_is_none_is_refused(created: tuple[ApiKey, str], token: str, now: datetime) -> None:
    with pytest.raises(AuthenticationFailed, match="not known"):
        check_token(token, now=now)


def test_a_right_prefix_with_a_wrong_secret_is_refused(created: tuple[ApiKey, str], now: datetime) -> None:
    with pytest.raises(AuthenticationFailed, match="not known"):
        check_token(created[1][:-1] + "~".replace("~", "A" if created[1][-1] != "A" else "B"), now=now)


def test_it_expires(created: tuple[ApiKey, str], now: datetime) -> None:
    with pytest.raises(AuthenticationFailed, match="expired"):
        check_token(created[1], now=now + timedelta(days=30))


def test_it_is_revoked_at_once_and_once(as_owner: Actor, created: tuple[ApiKey, str], now: datetime) -> None:
    for _ in range(2):
        revoke_api_key(actor=as_owner, api_key_id=created[0].pk, now=now)
    with pytest.raises(AuthenticationFailed, match="revoked"):
        check_token(created[1], now=now)
    assert AuditEvent.objects.filter(verb="revoke").count() == 1


def test_its_use_is_written_down_at_most_once_a_minute(created: tuple[ApiKey, str], now: datetime) -> None:
    key, token = created
    for seconds, last in [(0, 0), (59, 0), (60, 0), (61, 61), (100, 61)]:
        check_token(token, now=now + timedelta(seconds=seconds))
        key.refresh_from_db()
        assert key.last_used_at == now + timedelta(seconds=last)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": " "}, "a name"),
        ({"scopes": []}, "at least one scope"),
        ({"scopes": ["everything"]}, "at least one scope"),
        ({"expires_at": timedelta(0)}, "within a year"),
        ({"expires_at": timedelta(days=400)}, "within a year"),
    ],
)
def test_a_key_that_cannot_be_is_refused(
    as_owner: Actor, now: datetime, change: dict[str, object], sentence: str
) -> None:
    asked = {"name": "Bridge", "scopes": [Scope.READ], "expires_at": timedelta(days=1), **change}
    asked["expires_at"] = now + asked["expires_at"]
    with pytest.raises(InvalidInput, match=sentence):
        create_api_key(actor=as_owner, **asked, now=now)


def test_only_who_manages_creates_and_revokes(
    as_viewer: Actor, stranger: Member, created: tuple[ApiKey, str], now: datetime
) -> None:
    key = created[0]
    with pytest.raises(NotAllowed):
        revoke_api_key(actor=as_viewer, api_key_id=key.pk, now=now)
    elsewhere = Actor(user=stranger.user, organisation=stranger.organisation)
    with pytest.raises(InvalidInput, match="no such key"):
        revoke_api_key(actor=elsewhere, api_key_id=key.pk, now=now)
    key.refresh_from_db()
    assert key.revoked_at is None


def test_a_key_creates_no_key(created: tuple[ApiKey, str], now: datetime) -> None:
    actor = Actor(api_key=created[0], organisation=created[0].organisation)
    with pytest.raises(NotAllowed):
        create_api_key(
            actor=actor, name="Child", scopes=[Scope.READ], expires_at=now + timedelta(days=1), now=now
        )


def test_a_request_is_its_keys(
    created: tuple[ApiKey, str], monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    header = {"HTTP_AUTHORIZATION": f"Bearer {created[1]}"}
    request = Request(APIRequestFactory().get("/", **header), authenticators=[ApiKeyAuthentication()])
    assert request.auth == created[0]
    assert request.user.is_authenticated
    assert not request.user.is_staff
    assert actor_of(request) == Actor(api_key=created[0], organisation=created[0].organisation)
