"""Two persons change the account that an organisation is paid to, and the new one waits."""

import datetime

import pytest
from django.db import Error, IntegrityError, transaction

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import OutgoingEmail, Role
from accounts.operations import create_api_key
from settlement.payments.cnaps import is_cnaps
from settlement.payments.errors import AlreadyDecided, SecondPersonNeeded
from settlement.payments.models import Approval, Payout, PayoutAccount
from settlement.payments.operations import (
    approve_payout_account,
    propose_payout_account,
    refuse_payout_account,
)
from settlement.payments.queries import usable_account
from tests.factories.accounts import MemberFactory
from tests.factories.payouts import asked, details_of, earn, payout_account
from tests.factories.settlement import acting
from tests.settlement.triggers import drop_constraint, drop_trigger, run

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)


@pytest.fixture
def proposed(provider, now):
    return propose_payout_account(actor=acting(provider), details=details_of(provider), now=now)


def test_another_member_approves_and_the_account_waits_a_day(provider, proposed, now):
    account = approve_payout_account(actor=acting(provider, Role.FINANCE), account_id=proposed.pk, now=now)
    assert (account.status, account.number) == (Approval.APPROVED, "4000021239200001234")
    assert str(account) == "工商银行深圳分行 ••••\u00a01234"
    assert usable_account(provider, now + DAY - datetime.timedelta(seconds=1)) is None
    assert usable_account(provider, now + DAY) == account
    assert "from 2026-06-02 04:00 UTC" in OutgoingEmail.objects.latest("pk").text


def test_who_proposed_cannot_approve(provider, proposed, now):
    with pytest.raises(SecondPersonNeeded):
        approve_payout_account(actor=acting(provider), account_id=proposed.pk, now=now)
    forged = (
        "UPDATE payments_payoutaccount SET status = 'approved', decided_by_id = proposed_by_id,"
        " decided_at = now(), usable_at = now()"
    )
    with pytest.raises(IntegrityError, match="payout_account_two_persons"), transaction.atomic():
        run(forged)
    drop_constraint("payments_payoutaccount", "payout_account_two_persons")
    assert run(forged) == 1


def test_nor_a_teammate_who_may_not_move_money_nor_a_stranger(provider, proposed, now, stranger):
    for role in (Role.TRADER, Role.ENGINEER, Role.VIEWER):
        with pytest.raises(NotAllowed):
            approve_payout_account(actor=acting(provider, role), account_id=proposed.pk, now=now)
    outsider = Actor(user=stranger.user, organisation=stranger.organisation)
    with pytest.raises(NotAllowed):
        approve_payout_account(actor=outsider, account_id=proposed.pk, now=now)


def test_an_operator_is_the_second_person_only_where_there_is_no_other(provider, proposed, now, operator):
    teammate = MemberFactory(organisation=provider, role=Role.FINANCE)
    with pytest.raises(NotAllowed, match="second person of its own"):
        approve_payout_account(actor=Actor(user=operator), account_id=proposed.pk, now=now)
    teammate.delete()
    assert (
        approve_payout_account(actor=Actor(user=operator), account_id=proposed.pk, now=now).decided_by
        == operator
    )


def test_an_operator_who_proposed_as_a_member_is_no_second_person(provider, now):
    owner = acting(provider)
    owner.user.is_staff = True
    owner.user.save()
    account = propose_payout_account(actor=owner, details=details_of(provider), now=now)
    with pytest.raises(SecondPersonNeeded):
        approve_payout_account(actor=Actor(user=owner.user), account_id=account.pk, now=now)


def test_who_proposed_may_take_it_back_and_it_is_decided_once(provider, proposed, now):
    refuse_payout_account(actor=acting(provider), account_id=proposed.pk, now=now)
    for decide in (approve_payout_account, refuse_payout_account):
        with pytest.raises(AlreadyDecided):
            decide(actor=acting(provider, Role.FINANCE), account_id=proposed.pk, now=now)


def test_one_proposal_at_a_time(provider, proposed, now):
    with pytest.raises(AlreadyDecided):
        propose_payout_account(actor=acting(provider), details=details_of(provider), now=now)


def test_a_new_account_replaces_the_old_and_gives_waiting_payouts_back(provider, now):
    earn(provider, 50_000)
    old = payout_account(provider)
    payout = asked(provider, 20_000)
    new = payout_account(provider, now=now)
    old.refresh_from_db()
    payout.refresh_from_db()
    assert (old.status, new.status) == (Approval.REPLACED, Approval.APPROVED)
    assert (payout.status, payout.reason) == (Payout.Status.FAILED, "The bank account was replaced.")
    assert usable_account(provider, now) is None


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"number": "1234567"}, "8 to 32 digits"),
        ({"number": "6222 0000 ABCD 1234"}, "8 to 32 digits"),
        ({"cnaps": "102100099995"}, "CNAPS"),
        ({"cnaps": "10210009999"}, "CNAPS"),
        ({"bank": " "}, "Name the bank"),
        ({"holder": "Somebody Else Ltd"}, "own legal name"),
    ],
)
def test_details_that_cannot_be_right_are_refused(provider, now, wrong, why):
    with pytest.raises(InvalidInput, match=why):
        propose_payout_account(actor=acting(provider), details=details_of(provider, **wrong), now=now)
    assert not PayoutAccount.objects.exists()


def test_the_name_may_be_written_in_english_and_with_other_spaces(provider, now):
    details = details_of(
        provider, holder=provider.name_en.upper().replace(" ", "\u3000"), number="４000-0212-3920"
    )
    account = propose_payout_account(actor=acting(provider), details=details, now=now)
    assert account.number == "400002123920"


# Codes that the banks publish.
@pytest.mark.parametrize(
    "code", ["102100099996", "105100000017", "308584000013", "313651027012", "313227600155"]
)
def test_a_cnaps_code_checks_itself(code):
    assert is_cnaps(code)
    for place, digit in enumerate(code):
        wrong = code[:place] + str((int(digit) + 1) % 10) + code[place + 1 :]
        assert not is_cnaps(wrong)


def test_an_api_key_is_no_person(provider, now):
    key, _ = create_api_key(actor=acting(provider), name="k", scopes=["money"], expires_at=now + DAY, now=now)
    with pytest.raises(NotAllowed, match="two persons"):
        propose_payout_account(
            actor=Actor(api_key=key, organisation=provider), details=details_of(provider), now=now
        )


@pytest.mark.parametrize(
    ("trigger", "forgery"),
    [
        ("immutable", "UPDATE payments_payoutaccount SET number = '99999999'"),
        (
            "decided_once",
            "UPDATE payments_payoutaccount SET status = 'proposed', decided_by_id = NULL,"
            " decided_at = NULL, usable_at = NULL",
        ),
        ("never_deleted", "DELETE FROM payments_payoutaccount"),
    ],
)
def test_the_history_cannot_be_rewritten(provider, trigger, forgery):
    payout_account(provider)
    with pytest.raises(Error), transaction.atomic():
        run(forgery)
    drop_trigger("payments_payoutaccount", trigger)
    assert run(forgery) == 1
