"""A daily reconciliation goes on from the last one without difference; one from the beginning trusts none."""

import datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from settlement.ledger.models import AccountKind
from settlement.payments.models import BankLine, Difference, PayoutSource, Reconciliation
from settlement.payments.operations import (
    Place,
    approve_manual_transfer,
    import_bank_lines,
    pay_payouts,
    propose_manual_transfer,
    reconcile,
    top_up_reference,
)
from tests.factories.payouts import asked, operator, sent
from tests.settlement.triggers import drop_constraint, drop_trigger, run

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
FIRST = datetime.date(2026, 6, 1)
ACCOUNTS = ["bank", "payouts", "stripe", "suspense"]


def noon(day: int) -> datetime.datetime:
    return datetime.datetime(2026, 6, 1, 4, 0, tzinfo=datetime.UTC) + day * DAY


def morning(day: int, *, from_the_beginning: bool = False) -> dict[str, Reconciliation]:
    """The run of the morning after `day`."""
    now = noon(day) + datetime.timedelta(hours=14)
    runs = reconcile(day=FIRST + day * DAY, now=now, from_the_beginning=from_the_beginning)
    return {each.account: each for each in runs if each.currency == "CNY"}


def book(serial: str, day: int, yuan: int, remark: str, *, imported_on: int | None = None) -> BankLine:
    text = f"serial,date,amount,payer,remark\n{serial},{FIRST + day * DAY},{yuan},ACME,{remark}\n"
    import_bank_lines(actor=operator(), csv_text=text, now=noon(day if imported_on is None else imported_on))
    return BankLine.objects.get(serial=serial)


def standing() -> list[tuple[str, str, str, int]]:
    return sorted(Difference.objects.standing().values_list("account", "kind", "what", "amount"))


def tamper(serial: str) -> None:
    """Somebody who may drop triggers adds ¥1 to a line of the statement."""
    run("SET CONSTRAINTS ALL IMMEDIATE")  # Nothing may be pending where a table is altered.
    run("ALTER TABLE payments_bankline DISABLE TRIGGER USER")
    run("UPDATE payments_bankline SET amount = amount + 100 WHERE serial = %s", serial)
    run("ALTER TABLE payments_bankline ENABLE TRIGGER USER")


@pytest.fixture
def three_days(buyer) -> list[dict[str, Reconciliation]]:
    """¥100 came in on each of three days, and each was proved."""
    runs = []
    for day in range(3):
        book(f"S{day}", day, 100, top_up_reference(buyer))
        runs.append(morning(day))
    return runs


def test_each_day_goes_on_from_the_day_before(three_days):
    first, second, third = three_days
    assert [first[account].went_on_from for account in ACCOUNTS] == [None] * 4
    assert (second["bank"].went_on_from, third["bank"].went_on_from) == (first["bank"], second["bank"])
    assert (third["bank"].ledger, third["bank"].statement) == (30_000, 30_000)
    assert [run["bank"].is_proof for run in three_days] == [True] * 3


def test_a_difference_before_the_last_proved_day_is_found_from_the_beginning(three_days):
    tamper("S0")
    daily = morning(3)["bank"]
    assert (daily.is_proof, standing()) == (True, [])
    whole = morning(3, from_the_beginning=True)["bank"]
    assert (whole.went_on_from, whole.difference) == (None, 100)
    assert standing() == [("bank", "amounts", "S0", 100)]


def test_what_the_whole_history_told_is_looked_for_until_it_is_gone(three_days):
    tamper("S0")
    morning(3, from_the_beginning=True)
    again = morning(4)["bank"]
    assert (again.went_on_from, again.difference) == (None, 100)
    assert standing() == [("bank", "amounts", "S0", 100)]


def test_a_difference_after_the_last_proved_day_is_found_by_the_daily_run(three_days, buyer):
    book("S3", 3, 100, top_up_reference(buyer))
    tamper("S3")
    found = morning(3)["bank"]
    assert (found.went_on_from, found.difference) == (three_days[2]["bank"], 100)
    assert standing() == [("bank", "amounts", "S3", 100)]
    later = morning(4)["bank"]
    assert (later.went_on_from, later.difference) == (three_days[2]["bank"], 100)


def test_a_line_that_comes_late_takes_the_proof_of_its_day_away(three_days, buyer):
    book("late", 1, 50, top_up_reference(buyer), imported_on=3)
    run_ = morning(3)["bank"]
    assert run_.went_on_from == three_days[0]["bank"]
    assert (run_.ledger, run_.statement, run_.is_proof) == (35_000, 35_000, True)


def test_a_payment_of_the_morning_counts_on_its_own_day(three_days, buyer):
    """It is known to a run that does not count it yet: the next one has to."""
    payout = asked(buyer, 20_000, taken_from=PayoutSource.AVAILABLE, now=noon(3))
    sent(payout, now=noon(3))
    pay_payouts(payout_ids=[payout.pk], now=noon(4))
    assert morning(3)["bank"].is_proof
    alone = morning(4)["bank"]
    assert (alone.ledger, alone.statement) == (10_000, 30_000)
    assert [kind for _account, kind, *_rest in standing()] == ["transfer_alone"]
    book("S5", 4, -200, payout.serial, imported_on=5)
    assert morning(5)["bank"].is_proof


def test_a_run_for_an_earlier_day_reads_everything(three_days):
    earlier = morning(1)["bank"]
    assert (earlier.went_on_from, earlier.ledger) == (None, 20_000)


def test_a_run_goes_on_from_a_proof_of_its_own_account_alone(three_days):
    fields = {"account": "bank", "currency": "CNY", "day": FIRST, "ledger": 0, "ran_at": noon(9)}
    tamper("S2")
    no_proof = morning(3, from_the_beginning=True)["bank"]
    wrong = [no_proof, three_days[0]["payouts"], three_days[2]["bank"]]
    for proof in wrong:
        with pytest.raises(IntegrityError, match="a proof of its own account"), transaction.atomic():
            Reconciliation.objects.create(**fields, went_on_from=proof)
    drop_trigger("payments_reconciliation", "goes_on_from_a_proof")
    for proof in wrong:
        Reconciliation.objects.create(**fields, went_on_from=proof)


def test_a_proof_agrees(db):
    fields = {"account": "bank", "day": FIRST, "ledger": 1, "statement": 2, "ran_at": noon(9)}
    with pytest.raises(IntegrityError, match="reconciliation_proof_agrees"), transaction.atomic():
        Reconciliation.objects.create(**fields, is_proof=True)
    drop_constraint("payments_reconciliation", "reconciliation_proof_agrees")
    Reconciliation.objects.create(**fields, is_proof=True)


def test_the_opening_figures_are_written_once(three_days):
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        run("UPDATE payments_reconciliation SET settled = 0, last_entry = 0")


def test_the_command_proves_from_the_beginning(three_days, capsys, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: noon(4))
    tamper("S0")
    call_command("reconcile")
    assert "bank CNY since 2026-06-03: ledger ¥300.00, statement ¥300.00, agrees" in capsys.readouterr().out
    with pytest.raises(CommandError, match="There are differences"):
        call_command("reconcile", "--from-the-beginning", "--day", "2026-06-04")
    told = capsys.readouterr().out
    assert "bank CNY from the beginning: ledger ¥300.00, statement ¥301.00, differs" in told


def test_a_daily_run_reads_a_fraction_of_a_long_history(buyer):
    code = top_up_reference(buyer)

    def history(days: range) -> None:
        lines = "".join(f"H{day},{FIRST + day * DAY},1,ACME,{code}\n" for day in days)
        text = f"serial,date,amount,payer,remark\n{lines}"
        import_bank_lines(actor=operator(), csv_text=text, now=noon(days[-1]))
        morning(days[-1])

    history(range(400))
    book("later", 400, 1, code)
    daily, whole = rows_read(lambda: morning(400)), rows_read(lambda: morning(400, from_the_beginning=True))
    assert 4 * daily < whole


def rows_read(work) -> int:
    """How many rows the SELECTs of some work touch, where indexes are used as they are on large tables."""
    with CaptureQueriesContext(connection) as captured:
        work()
    selects = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
    total = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ANALYZE ledger_entry, ledger_transfer, payments_bankline, payments_reconciliation")
        for other in ("seqscan", "hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{other} = off")
        for sql in selects:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql.replace('%', '%%')}", [])
            [(plan,)] = cursor.fetchall()
            total += touched(plan[0]["Plan"])
    return total


def touched(node: dict) -> int:
    here = 0
    if "Scan" in node["Node Type"]:
        removed = sum(value for name, value in node.items() if name.startswith("Rows Removed"))
        here = (node["Actual Rows"] + removed) * node["Actual Loops"]
    return here + sum(touched(each) for each in node.get("Plans", []))


EVENT = st.sampled_from(["in", "suspense", "late", "charge", "explained", "ask", "pay", "line"])


@given(days=st.lists(st.lists(EVENT, max_size=4), min_size=2, max_size=6))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_daily_run_says_what_the_whole_history_says(buyer, days):
    """Whatever came late, was explained later, or was paid before the statement had it."""
    with transaction.atomic():
        code = top_up_reference(buyer)
        book("S", 0, 10_000, code)
        on_its_way, paid, charges = [], [], []
        for day, events in enumerate(days):
            for number, event in enumerate(events):
                serial = f"{day}-{number}"
                match event:
                    case "in":
                        book(serial, day, 7, code)
                    case "suspense":
                        book(serial, day, 11, "?")
                    case "late":
                        book(serial, max(day - 2, 0), 13, code, imported_on=day)
                    case "charge":
                        charges.append(book(serial, day, -3, "?"))
                    case "explained" if charges:
                        explain(charges.pop(), noon(day))
                    case "ask":
                        whence = PayoutSource.AVAILABLE
                        on_its_way.append(asked(buyer, 10_000, taken_from=whence, now=noon(day), key=serial))
                        sent(on_its_way[-1], now=noon(day))
                    case "pay" if on_its_way:
                        paid.append(on_its_way.pop())
                        pay_payouts(payout_ids=[paid[-1].pk], now=noon(day))
                    case "line" if paid:
                        book(serial, day, -100, paid.pop().serial)
            with transaction.atomic():
                whole = figures(morning(day, from_the_beginning=True))
                transaction.set_rollback(True)
            assert figures(morning(day)) == whole
        transaction.set_rollback(True)


def explain(line: BankLine, now: datetime.datetime) -> None:
    manual = propose_manual_transfer(
        actor=operator(),
        debit=Place(AccountKind.PROCESSING),
        credit=Place(AccountKind.BANK),
        amount=-line.amount,
        reason="A charge of the bank",
        bank_line=line,
        now=now,
    )
    approve_manual_transfer(actor=operator(), manual_id=manual.pk, now=now)


def figures(runs: dict[str, Reconciliation]) -> object:
    return {account: (run_.ledger, run_.statement) for account, run_ in runs.items()}, standing()
