"""What the tests of pages share: a signed-in browser, and what a page says."""

from typing import Any

from django.test import Client

from accounts.models import Organisation, Role, User
from tests.factories.settlement import acting


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def member_of(organisation: Organisation, role: Role = Role.OWNER) -> Client:
    """A member in this role, who is made where there is none."""
    return as_user(acting(organisation, role).user)


def text_of(response: Any, status: int = 200) -> str:
    assert response.status_code == status
    return response.content.decode()
