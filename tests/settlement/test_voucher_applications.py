"""A firm applies, the issuer decides in writing, once; a voucher is one for each firm and year."""

import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, transaction

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Organisation, OutgoingEmail, Role
from accounts.permissions import NotVerified
from settlement.vouchers.errors import ProgrammeRefused
from settlement.vouchers.models import Application, Voucher
from settlement.vouchers.operations import apply, approve, close_programme, reject, revoke
from settlement.vouchers.queries import committed
from tests.factories import vouchers
from tests.factories.accounts import OrganisationFactory
from tests.factories.settlement import acting
from tests.settlement.triggers import drop_constraint, drop_trigger, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def programme():
    return vouchers.programme()


def applied(firm, programme, now, **changes):
    fields = {
        "amount": 80_000,
        "statement": "We train a model.",
        "affiliates_named": True,
        "actor": acting(firm, Role.TRADER),
    }
    return apply(programme_id=programme.pk, now=now, **fields | changes)


def granted(application, now, **changes):
    fields = {"actor": acting(application.programme.issuer), "amount": application.amount, "reasons": "Fits."}
    return approve(application_id=application.pk, now=now, **fields | changes)


def test_a_firm_applies_and_the_issuer_is_written_to(buyer, programme, now):
    paper = SimpleUploadedFile("plan.txt", b"what we want to do")
    application = applied(buyer, programme, now, files=[paper])
    assert application.status == Application.Status.PENDING
    assert [each.name for each in application.files.all()] == ["plan.txt"]
    letter = OutgoingEmail.objects.get(to=acting(programme.issuer).user.email)
    assert buyer.name_en in letter.subject
    assert "¥800.00" in letter.text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"amount": 0}, "more than nothing"),
        ({"amount": 100_001}, r"at most ¥1,000\.00"),
        ({"statement": "  "}, "between one and ten thousand"),
        ({"affiliates_named": False}, "Name your affiliates"),
        ({"files": [SimpleUploadedFile("plan.exe", b"MZ")]}, "hand in one of"),
    ],
)
def test_an_application_that_lacks_something_is_refused(buyer, programme, now, change, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        applied(buyer, programme, now, **change)
    assert not Application.objects.exists()


def test_who_may_not_apply(buyer, viewer, programme, now):
    with pytest.raises(NotAllowed):
        applied(buyer, programme, now, actor=acting(buyer, Role.VIEWER))
    with pytest.raises(NotVerified):
        applied(OrganisationFactory(verification="pending"), programme, now)
    with pytest.raises(ProgrammeRefused, match="Leading"):
        applied(OrganisationFactory(tier=Organisation.Tier.LEADING), programme, now)
    with pytest.raises(ProgrammeRefused, match="own programme"):
        applied(programme.issuer, programme, now)
    before, after = programme.starts_at - datetime.timedelta(1), programme.ends_at
    for moment in (before, after):
        with pytest.raises(ProgrammeRefused, match="no applications now"):
            applied(buyer, programme, moment)


def test_one_application_waits_at_a_time_and_one_voucher_is_had_a_year(buyer, programme, now):
    first = applied(buyer, programme, now)
    with pytest.raises(ProgrammeRefused, match="waits for the issuer"):
        applied(buyer, programme, now)
    reject(actor=acting(programme.issuer), application_id=first.pk, reasons="Say more.", now=now)
    voucher = granted(applied(buyer, programme, now), now)
    with pytest.raises(ProgrammeRefused, match="its voucher of 2026"):
        applied(buyer, programme, now)
    assert (voucher.year, voucher.expires_at) == (2026, programme.ends_at)
    assert voucher.registration_number == buyer.registration_number


def test_an_application_is_decided_once_by_its_issuer_in_writing(buyer, programme, now):
    application = applied(buyer, programme, now)
    other = vouchers.issuer(fen=0)
    with pytest.raises(Application.DoesNotExist):
        granted(application, now, actor=acting(other))
    with pytest.raises(NotAllowed):
        granted(application, now, actor=acting(programme.issuer, Role.TRADER))
    with pytest.raises(InvalidInput, match="between one"):
        granted(application, now, reasons=" ")
    for amount in (0, 80_001):
        with pytest.raises(InvalidInput, match="at most the ¥800"):
            granted(application, now, amount=amount)
    voucher = granted(application, now, amount=50_000)
    assert voucher.amount == 50_000
    letter = OutgoingEmail.objects.get(to=acting(buyer, Role.TRADER).user.email)
    assert "¥500.00" in letter.subject
    assert "Fits." in letter.text
    for again in (
        granted,
        lambda a, n: reject(actor=acting(programme.issuer), application_id=a.pk, reasons="x", now=n),
    ):
        with pytest.raises(ProgrammeRefused, match="is decided"):
            again(application, now)


def test_vouchers_never_promise_more_than_the_budget(now):
    programme = vouchers.programme(budget=100_000, cap=80_000)
    granted(applied(OrganisationFactory(), programme, now), now)
    second = applied(OrganisationFactory(), programme, now)
    with pytest.raises(ProgrammeRefused, match=r"has ¥200\.00 that no voucher"):
        granted(second, now)
    voucher = granted(second, now, amount=20_000)
    assert committed(programme, now=now) == 100_000
    revoke(actor=acting(programme.issuer), voucher_id=voucher.pk, reasons="The firm closed.", now=now)
    assert committed(programme, now=now) == 80_000
    assert committed(programme, now=voucher.expires_at) == 0


def test_a_voucher_is_revoked_once_in_writing_by_its_issuer(buyer, programme, now):
    voucher = granted(applied(buyer, programme, now), now)
    with pytest.raises(Voucher.DoesNotExist):
        revoke(actor=acting(vouchers.issuer(fen=0)), voucher_id=voucher.pk, reasons="x", now=now)
    revoke(actor=acting(programme.issuer), voucher_id=voucher.pk, reasons="Misused.", now=now)
    with pytest.raises(ProgrammeRefused, match="is revoked"):
        revoke(actor=acting(programme.issuer), voucher_id=voucher.pk, reasons="Misused.", now=now)
    assert OutgoingEmail.objects.filter(text__contains="Misused.").exists()


def test_a_closed_programme_grants_nothing(buyer, programme, now):
    application = applied(buyer, programme, now)
    close_programme(actor=acting(programme.issuer), programme_id=programme.pk, now=now)
    with pytest.raises(ProgrammeRefused, match="no applications now"):
        granted(application, now)


def test_the_database_allows_one_voucher_per_firm_and_year_within_the_cap(buyer, programme, now):
    voucher = granted(applied(buyer, programme, now), now)
    renamed = OrganisationFactory()  # The same registration under another row.
    again = Application.objects.create(
        programme=programme, organisation=renamed, amount=1, statement="x", submitted_at=now
    )

    def double(amount):
        fields = {
            name: getattr(voucher, name)
            for name in (
                "programme",
                "jurisdiction",
                "registration_number",
                "year",
                "issued_at",
                "expires_at",
            )
        }
        return Voucher.objects.create(application=again, organisation=renamed, amount=amount, **fields)

    with pytest.raises(IntegrityError, match="voucher_once_per_firm_and_year"), transaction.atomic():
        double(1)
    run("SET CONSTRAINTS ALL IMMEDIATE")
    drop_constraint("vouchers_voucher", "voucher_once_per_firm_and_year")
    with pytest.raises(IntegrityError, match="within its programme's cap"), transaction.atomic():
        double(100_001)
    drop_trigger("vouchers_voucher", "voucher_within_cap")
    assert double(100_001).amount == 100_001


def test_the_database_keeps_what_was_asked_and_decided(buyer, programme, now):
    granted(applied(buyer, programme, now), now)
    for statement in (
        "UPDATE vouchers_application SET amount = 1",
        "UPDATE vouchers_application SET reasons = 'other'",
        "DELETE FROM vouchers_application",
        "UPDATE vouchers_voucher SET amount = amount + 1",
        "DELETE FROM vouchers_voucher",
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            run(statement)
