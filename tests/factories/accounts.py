import datetime
import functools

import factory
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.hashers import make_password
from factory.django import DjangoModelFactory

from accounts.models import Jurisdiction, Member, Organisation, Role, User
from settlement.contracts.models import Acceptance
from settlement.contracts.operations import publish_agreement

NOW = datetime.datetime(2026, 6, 1, 4, 0, tzinfo=datetime.UTC)
PASSWORD = "a-long-pass-phrase"
TOTP_SECRET = "JBSWY3DPEHPK3PXP"


@functools.cache
def hashed(password: str) -> str:
    """Hashing is slow on purpose; once a test run is enough."""
    return make_password(password)


class UserFactory(DjangoModelFactory):
    """A person with a proven address and a second factor (`second_factor=False` for one without)."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"user{n}@example.com")
    name = factory.Faker("name")
    password = factory.LazyFunction(lambda: hashed(PASSWORD))

    @factory.post_generation
    def address(self: User, create: bool, extracted: None, **_: object) -> None:
        if create:
            EmailAddress.objects.create(user=self, email=self.email, verified=True, primary=True)

    @factory.post_generation
    def second_factor(self: User, create: bool, extracted: bool | None, **_: object) -> None:
        if create and extracted is not False:
            TOTP.activate(self, TOTP_SECRET)


class OrganisationFactory(DjangoModelFactory):
    """A verified organisation that accepted the master agreement, unless said otherwise (`bound=False`)."""

    class Meta:
        model = Organisation
        skip_postgeneration_save = True

    name_en = factory.Sequence(lambda n: f"Compute {n} Ltd")
    name_zh = factory.Sequence(lambda n: f"算力{n}有限公司")
    jurisdiction = Jurisdiction.OTHER
    registration_number = factory.Sequence(lambda n: f"REG-{n:06}")
    activity = Organisation.Activity.BOTH
    tier = Organisation.Tier.SPECIALISED
    verification = Organisation.Verification.VERIFIED
    verification_note = "Business licence seen."
    verified_by = factory.SubFactory(UserFactory, is_staff=True)
    verified_at = NOW
    created_at = NOW

    @factory.post_generation
    def bound(self: Organisation, create: bool, extracted: bool | None, **_: object) -> None:
        if create and extracted is not False and self.is_verified:
            Acceptance.objects.create(
                organisation=self,
                agreement=publish_agreement(now=NOW),
                user=self.verified_by,
                accepted_at=NOW,
            )


class MemberFactory(DjangoModelFactory):
    class Meta:
        model = Member

    organisation = factory.SubFactory(OrganisationFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.OWNER
    joined_at = NOW
