"""Payouts go to the bank in a file that two operators stand for, and the bank's answer comes back."""

import csv
import io

import pytest
from django.db import Error, IntegrityError, transaction

from accounts.errors import NotAllowed
from accounts.models import AuditEvent, Organisation
from settlement.ledger.check import differences
from settlement.ledger.queries import Balances, balance_of
from settlement.payments.errors import AlreadyDecided, BadStatement, PayoutRefused, SecondPersonNeeded
from settlement.payments.models import Approval, BankLine, Payout
from settlement.payments.operations import (
    ResultsImported,
    approve_payout_file,
    collect_payouts,
    download_payout_file,
    import_bank_lines,
    import_payout_results,
    refuse_payout_file,
)
from settlement.payments.reference import reference_for
from tests.factories.accounts import OrganisationFactory
from tests.factories.payouts import asked, clearing, earn, operator, payout_account, sent
from tests.factories.settlement import acting
from tests.settlement.triggers import drop_constraint, drop_trigger, run

pytestmark = pytest.mark.django_db

STATEMENT = "serial,date,amount,payer,remark\n"


@pytest.fixture
def payouts(provider):
    """Two of ¥200, of ¥500 that were receivable."""
    earn(provider, 50_000)
    return [asked(provider, 20_000, key=key) for key in ("a", "b")]


@pytest.fixture
def maker():
    return operator()


@pytest.fixture
def file(payouts, maker, now):
    return collect_payouts(actor=maker, payout_ids=[each.pk for each in payouts], now=now)


def approve(file, now, by=None):
    return approve_payout_file(actor=by or operator(), file_id=file.pk, sha256=file.sha256, now=now)


def statuses(payouts):
    return [Payout.objects.get(pk=each.pk).status for each in payouts]


def rows_of(file):
    return list(csv.reader(io.StringIO(file.content.removeprefix("\ufeff"))))


def test_a_file_holds_what_the_bank_needs(payouts, file, provider):
    assert file.content.startswith("\ufeff流水号,收款户名,收款账号,收款银行,联行号,金额,附言\r\n")
    serials = [payout.serial for payout in payouts]
    assert rows_of(file)[1:] == [
        [
            serial,
            provider.name_zh,
            "4000021239200001234",
            "工商银行深圳分行",
            "102100099996",
            "200.00",
            f"{serial} 算盘提现",
        ]
        for serial in serials
    ]
    assert (file.count, file.total) == (2, 40_000)
    assert statuses(payouts) == ["collected", "collected"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_name_becomes_a_formula(start, now):
    name = start + "cmd|' /C calc'!A0"
    organisation = OrganisationFactory(name_zh=name, activity=Organisation.Activity.PROVIDE)
    earn(organisation, 20_000)
    payout = asked(organisation, 20_000)
    file = collect_payouts(actor=operator(), payout_ids=[payout.pk], now=now)
    assert rows_of(file)[1][1] == "'" + name


def test_another_operator_approves_and_then_it_is_on_its_way(payouts, file, now):
    with pytest.raises(PayoutRefused, match="approve the file before"):
        download_payout_file(actor=operator(), file_id=file.pk, now=now)
    approve(file, now)
    assert statuses(payouts) == ["sent", "sent"]
    checker = operator()
    assert download_payout_file(actor=checker, file_id=file.pk, now=now).content == file.content
    event = AuditEvent.objects.get(verb="download")
    assert (event.user, event.detail["sha256"]) == (checker.user, file.sha256)


def test_who_made_the_file_cannot_approve_it(file, maker, now):
    with pytest.raises(SecondPersonNeeded):
        approve(file, now, by=maker)
    forged = (
        "UPDATE payments_payoutfile SET status = 'approved', decided_by_id = proposed_by_id,"
        " decided_at = now()"
    )
    with pytest.raises(IntegrityError, match="payout_file_two_persons"), transaction.atomic():
        run(forged)
    drop_constraint("payments_payoutfile", "payout_file_two_persons")
    assert run(forged) == 1


def test_members_have_nothing_to_do_with_files(payouts, file, provider, now):
    member = acting(provider)
    for attempt in (
        lambda: collect_payouts(actor=member, payout_ids=[1], now=now),
        lambda: approve_payout_file(actor=member, file_id=file.pk, sha256=file.sha256, now=now),
        lambda: refuse_payout_file(actor=member, file_id=file.pk, now=now),
        lambda: download_payout_file(actor=member, file_id=file.pk, now=now),
        lambda: import_payout_results(actor=member, csv_text="", now=now),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_a_file_is_decided_once(file, now):
    approve(file, now)
    with pytest.raises(AlreadyDecided):
        approve(file, now)
    with pytest.raises(AlreadyDecided):
        refuse_payout_file(actor=operator(), file_id=file.pk, now=now)


def test_a_refused_file_lets_its_payouts_wait_again(payouts, file, maker, now):
    refuse_payout_file(actor=maker, file_id=file.pk, now=now)
    assert statuses(payouts) == ["waiting", "waiting"]
    again = collect_payouts(actor=maker, payout_ids=[each.pk for each in payouts], now=now)
    approve(again, now)


def test_a_payout_goes_into_one_file(payouts, file, maker, now):
    with pytest.raises(PayoutRefused):
        collect_payouts(actor=maker, payout_ids=[payouts[0].pk], now=now)


def test_a_file_to_an_account_that_was_replaced_is_not_approved(payouts, file, provider, now):
    payout_account(provider, now=now)
    with pytest.raises(PayoutRefused, match="was replaced"):
        approve(file, now)
    refuse_payout_file(actor=operator(), file_id=file.pk, now=now)
    assert statuses(payouts) == ["failed", "failed"]
    assert balance_of(provider) == Balances(receivable=50_000)


def test_what_was_looked_at_is_what_is_approved(file, now):
    with pytest.raises(PayoutRefused, match="not what was collected"):
        approve_payout_file(actor=operator(), file_id=file.pk, sha256="0" * 64, now=now)
    drop_trigger("payments_payoutaccount", "immutable")
    run("UPDATE payments_payoutaccount SET number = '99999999'")
    with pytest.raises(PayoutRefused, match="not what was collected"):
        approve(file, now)


def result_of(payouts, *results: str) -> str:
    lines = [f"{each.serial},{result}" for each, result in zip(payouts, results, strict=True)]
    return "流水号,结果,原因\n" + "\n".join(lines)


def take_in(text, now):
    return import_payout_results(actor=operator(), csv_text=text, now=now)


def test_the_banks_answer_pays_and_fails(payouts, file, provider, now):
    approve(file, now)
    answer = result_of(payouts, "成功,", "失败,账号户名不符")
    assert take_in(answer, now) == ResultsImported(paid=1, failed=1, known=0)
    assert statuses(payouts) == ["paid", "failed"]
    assert Payout.objects.get(pk=payouts[1].pk).reason == "账号户名不符"
    assert balance_of(provider) == Balances(receivable=30_000)
    assert clearing() == 0


def test_the_same_answer_twice_changes_nothing(payouts, file, provider, now):
    approve(file, now)
    answer = result_of(payouts, "paid,", "failed,closed")
    take_in(answer, now)
    assert take_in(answer, now) == ResultsImported(paid=0, failed=0, known=2)
    assert balance_of(provider) == Balances(receivable=30_000)
    assert list(differences()) == []


def test_an_answer_that_cannot_be_is_refused_whole(payouts, file, now):
    approve(file, now)
    with pytest.raises(BadStatement) as refusal:
        take_in(
            "serial,result,amount\n"
            f"{payouts[0].serial},paid,200.00\n"
            f"{payouts[1].serial},paid,200.01\n"
            "PO0000000001,paid,200\n"
            f"{payouts[0].serial},failed,\n"
            "PO9999999966,paid,200\n"
            "nothing,perhaps,\n",
            now,
        )
    assert [line.number for line in refusal.value.lines] == [4, 5, 6, 7]
    assert statuses(payouts) == ["sent", "sent"]
    unknown = reference_for(99_999_999, "PO")
    with pytest.raises(BadStatement, match="no such payout"):
        take_in(f"serial,result\n{unknown},paid\n", now)
    with pytest.raises(BadStatement, match="amount of"):
        take_in(f"serial,result,amount\n{payouts[1].serial},paid,200.01\n", now)


def test_an_answer_before_the_approval_or_against_an_earlier_one_is_refused(payouts, file, now):
    with pytest.raises(BadStatement, match="was not sent"):
        take_in(result_of(payouts, "paid,", "paid,"), now)
    approve(file, now)
    take_in(result_of(payouts, "paid,", "failed,closed"), now)
    with pytest.raises(BadStatement, match="is failed already"):
        take_in(result_of(payouts[1:], "paid,"), now)
    with pytest.raises(BadStatement, match="is paid already"):
        take_in(result_of(payouts[:1], "failed,"), now)


def book(text, now):
    return import_bank_lines(actor=operator(), csv_text=STATEMENT + text, now=now)


def test_the_statement_pays_what_was_sent_and_agrees_with_the_answer(payouts, file, now):
    approve(file, now)
    take_in(result_of(payouts[:1], "paid,"), now)
    lines = "".join(f"B{n},2026-06-01,-200,X,{each.serial} 算盘提现\n" for n, each in enumerate(payouts))
    assert book(lines, now).booked == 2
    assert statuses(payouts) == ["paid", "paid"]
    assert clearing() == 0
    for line in BankLine.objects.all():
        assert line.transfer.kind == "payout_paid"
    assert list(differences()) == []


def test_a_payout_that_the_bank_pays_twice_is_not_explained_twice(payouts, file, now):
    approve(file, now)
    lines = "".join(f"B{n},2026-06-01,-200,X,{payouts[0].serial}\n" for n in range(2))
    imported = book(lines, now)
    assert (imported.booked, imported.unexplained) == (1, 1)


def test_nor_is_another_amount_or_one_that_was_not_sent(payouts, file, now):
    assert book(f"B1,2026-06-01,-200,X,{payouts[0].serial}\n", now).unexplained == 1
    approve(file, now)
    assert book(f"B2,2026-06-01,-200.01,X,{payouts[0].serial}\n", now).unexplained == 1
    assert statuses(payouts) == ["sent", "sent"]


def test_what_the_bank_sends_back_is_receivable_again(payouts, file, provider, now):
    approve(file, now)
    serial = payouts[0].serial
    assert book(f"B1,2026-06-01,-200,X,{serial}\nB2,2026-06-03,200,X,退汇 {serial}\n", now).booked == 2
    assert statuses(payouts) == ["failed", "sent"]
    assert balance_of(provider) == Balances(receivable=30_000)
    assert clearing() == 20_000
    assert book(f"B3,2026-06-04,200,X,退汇 {serial}\n", now).suspense == 1


def test_what_is_sent_back_twice_is_receivable_once(payouts, file, provider, now):
    approve(file, now)
    serial = payouts[0].serial
    back = "".join(f"B{n},2026-06-03,200,X,退汇 {serial}\n" for n in (2, 3))
    imported = book(f"B1,2026-06-01,-200,X,{serial}\n{back}", now)
    assert (imported.booked, imported.suspense) == (2, 1)
    assert balance_of(provider) == Balances(receivable=30_000)


@pytest.mark.parametrize("status", ["waiting", "sent"])
def test_a_paid_payout_does_not_go_out_again(payouts, now, status):
    sent(*payouts)
    take_in(result_of(payouts, "paid,", "paid,"), now)
    forged = f"UPDATE payments_payout SET status = '{status}', paid_at = NULL"
    with pytest.raises(Error, match="transition"), transaction.atomic():
        run(forged)
    drop_trigger("payments_payout", "one_way")
    drop_constraint("payments_payout", "payout_has_its_times")
    drop_constraint("payments_payout", "payout_by_bank_is_in_a_file")
    assert run(forged) == 2


def test_amount_and_account_of_a_payout_never_change(payouts):
    forged = "UPDATE payments_payout SET amount = 1"
    with pytest.raises(Error, match="Cannot update"), transaction.atomic():
        run(forged)
    drop_trigger("payments_payout", "immutable")
    assert run(forged) == 2


def test_who_made_a_file_is_written_down(file, maker):
    event = AuditEvent.objects.get(verb="propose", subject_type="payments.payoutfile")
    assert (event.user, event.detail["fen"], file.status) == (maker.user, 40_000, Approval.PROPOSED)
