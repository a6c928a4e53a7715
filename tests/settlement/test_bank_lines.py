import pytest

from accounts.audit import Actor
from accounts.errors import NotAllowed
from accounts.models import AuditEvent
from settlement.ledger.models import Account, AccountKind, Transfer
from settlement.ledger.queries import Balances, balance_of
from settlement.payments.errors import AlreadyBooked, BadStatement
from settlement.payments.models import BankLine
from settlement.payments.operations import (
    Imported,
    assign_bank_line,
    import_bank_lines,
    top_up_reference,
)
from settlement.payments.reference import number_in, reference_for
from settlement.payments.statement_file import decode, parse

pytestmark = pytest.mark.django_db

HEADER = "serial,date,amount,payer,payer account,remark\n"


@pytest.fixture
def staff(operator) -> Actor:
    return Actor(user=operator)


@pytest.fixture
def run(staff, now):
    def import_text(text: str) -> Imported:
        return import_bank_lines(actor=staff, csv_text=HEADER + text, now=now)

    return import_text


def fen(kind: AccountKind) -> int:
    return sum(Account.objects.filter(kind=kind).values_list("balance", flat=True))


def test_a_line_with_the_reference_code_tops_the_organisation_up(run, buyer):
    result = run(f'S1,2026-06-01,"12,345.67",ACME,6222,For {top_up_reference(buyer)} thanks\n')
    assert result == Imported(booked=1, suspense=0, known=0)
    assert balance_of(buyer) == Balances(available=1_234_567)
    assert fen(AccountKind.BANK) == -1_234_567
    [line] = BankLine.objects.all()
    assert (line.organisation, line.status) == (buyer, BankLine.Status.BOOKED)


def test_a_line_without_one_goes_to_suspense(run):
    assert run("S1,2026-06-01,100,ACME,6222,hello\n") == Imported(0, 1, 0)
    assert fen(AccountKind.SUSPENSE) == 10_000


def test_importing_twice_books_each_line_once(run, buyer):
    first = f"S1,2026-06-01,100,ACME,6222,{top_up_reference(buyer)}\nS2,2026-06-01,50,ACME,6222,?\n"
    run(first)
    assert run(first + "S3,2026-06-02,1,ACME,6222,?\n") == Imported(booked=0, suspense=1, known=2)
    assert balance_of(buyer) == Balances(available=10_000)
    assert fen(AccountKind.SUSPENSE) == 5100


def test_a_known_serial_number_with_another_amount_is_refused(run):
    run("S1,2026-06-01,100,ACME,6222,\n")
    with pytest.raises(BadStatement, match="Line 2: serial number S1 was imported before"):
        run("S1,2026-06-01,101,ACME,6222,\n")


def test_one_bad_line_imports_nothing_and_each_is_named(run):
    with pytest.raises(BadStatement) as refusal:
        run(
            "S1,2026-06-01,100,ACME,1,ok\n"
            "S2,2026-13-01,100,ACME,1,no such month\n"
            "S3,2026-06-01,1.005,ACME,1,finer than a fen\n"
            "S4,2026-06-01,0,ACME,1,nothing moved\n"
            ",2026-06-01,5,ACME,1,no serial\n"
            "S1,2026-06-01,5,ACME,1,twice\n"
            "S6,2026-06-01\n"
        )
    assert [line.number for line in refusal.value.lines] == [3, 4, 5, 6, 7, 8]
    assert not BankLine.objects.exists()
    assert not Transfer.objects.exists()


def test_a_missing_column_is_named(staff, now):
    with pytest.raises(BadStatement, match=r"amount \(贷方金额\), remark \(附言\)"):
        import_bank_lines(actor=staff, csv_text="serial,date,payer\n", now=now)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_a_chinese_banks_file_is_read(encoding):
    text = "流水号,交易日期,贷方金额,对方户名,对方账号,摘要\n88,20260601,1000.00,深圳智算,6222,充值\n"
    [line] = parse(decode(text.encode(encoding)))
    assert (line.serial, line.amount, line.payer, line.remark) == ("88", 100_000, "深圳智算", "充值")
    assert line.booked_on.isoformat() == "2026-06-01"


def test_an_operator_resolves_suspense_once(run, staff, buyer, stranger, now):
    run("S1,2026-06-01,100,ACME,6222,hello\n")
    [line] = BankLine.objects.all()
    assign_bank_line(actor=staff, bank_line_id=line.pk, organisation=buyer, now=now)
    assert balance_of(buyer) == Balances(available=10_000)
    assert fen(AccountKind.SUSPENSE) == 0
    event = AuditEvent.objects.filter(verb="assign").get()
    assert (event.user, event.organisation, event.subject_id) == (staff.user, buyer, line.pk)
    with pytest.raises(AlreadyBooked):
        assign_bank_line(actor=staff, bank_line_id=line.pk, organisation=stranger.organisation, now=now)
    assert balance_of(stranger.organisation) == Balances()


def test_only_an_operator_may(owner, buyer, now):
    actor = Actor(user=owner.user, organisation=buyer)
    with pytest.raises(NotAllowed):
        import_bank_lines(actor=actor, csv_text=HEADER, now=now)
    with pytest.raises(NotAllowed):
        assign_bank_line(actor=actor, bank_line_id=1, organisation=buyer, now=now)


@pytest.mark.parametrize("number", [1, 42, 12_345_678])
def test_a_reference_code_is_found_however_it_is_written(number):
    code = reference_for(number)
    for written in (
        code,
        code.lower(),
        code.replace(" ", ""),
        f"货款/{code.replace(' ', '-')}。",
        f"充值{code.replace(' ', '')}谢谢",
        "".join(chr(ord(c) + 0xFEE0) if c != " " else c for c in code),
    ):
        assert number_in(written) == number, written


def test_every_single_slip_is_caught():
    code = reference_for(20_260_601).replace(" ", "")
    for place in range(2, len(code)):
        for digit in "0123456789":
            slip = code[:place] + digit + code[place + 1 :]
            assert number_in(slip) == (20_260_601 if slip == code else None)
    for place in range(2, len(code) - 1):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert number_in(swapped) == (20_260_601 if swapped == code else None)


@pytest.mark.parametrize(
    "remark", ["", "SP-2026-000123", "TU 0000 0001", f"{reference_for(1)} {reference_for(2)}"]
)
def test_no_code_or_two_codes_name_nobody(remark):
    assert number_in(remark) is None
