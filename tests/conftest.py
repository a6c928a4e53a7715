import datetime
from collections.abc import Iterator

import pytest
import pytest_django
from django.conf import settings
from django.db import connection
from django.utils import translation
from hypothesis import settings as examples

from accounts.models import Member, Organisation, Role, User
from tests.factories.accounts import MemberFactory, OrganisationFactory, UserFactory

# No test is timed: a machine may be busy.
examples.register_profile("untimed", deadline=None)
examples.load_profile("untimed")

MAY_BE_TRUNCATED = ["accounts_auditevent", "ledger_transfer", "ledger_entry"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> None:
    """Tests with real transactions clean up by TRUNCATE, which append-only tables refuse outside."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table in MAY_BE_TRUNCATED:
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname LIKE %s",
                [table, "%never_truncated%"],
            )
            for (trigger,) in cursor.fetchall():
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A request leaves its language in force in its thread: the next test begins in English again."""
    with translation.override(settings.LANGUAGE_CODE):
        yield


@pytest.fixture
def now() -> datetime.datetime:
    return datetime.datetime(2026, 6, 1, 4, 0, tzinfo=datetime.UTC)


@pytest.fixture
def clock(now: datetime.datetime, monkeypatch: pytest.MonkeyPatch) -> datetime.datetime:
    """Pages read the clock at their door: here it shows the tests' `now`."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    return now


@pytest.fixture
def operator(db: None) -> User:
    return UserFactory(is_staff=True)


@pytest.fixture
def buyer(db: None) -> Organisation:
    return OrganisationFactory(activity=Organisation.Activity.BUY)


@pytest.fixture
def provider(db: None) -> Organisation:
    return OrganisationFactory(activity=Organisation.Activity.PROVIDE)


@pytest.fixture
def owner(buyer: Organisation) -> Member:
    return MemberFactory(organisation=buyer, role=Role.OWNER)


@pytest.fixture
def trader(buyer: Organisation) -> Member:
    return MemberFactory(organisation=buyer, role=Role.TRADER)


@pytest.fixture
def viewer(buyer: Organisation) -> Member:
    """A teammate who may look but not trade."""
    return MemberFactory(organisation=buyer, role=Role.VIEWER)


@pytest.fixture
def stranger(db: None) -> Member:
    """An owner of another organisation."""
    return MemberFactory(role=Role.OWNER)
