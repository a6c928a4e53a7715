"""The pages of payouts and of the operators' books: who sees them, and a payout's whole way through them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import AuditEvent, Role
from settlement.ledger.queries import Balances, balance_of
from settlement.payments.models import BankLine, Difference, ManualTransfer, Payout, PayoutAccount, PayoutFile
from settlement.payments.operations import import_bank_lines
from tests.factories.accounts import MemberFactory, UserFactory
from tests.factories.payouts import asked, details_of, earn, operator, payout_account, sent
from tests.settlement.browsing import as_user, member_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

OPERATORS = [
    "/operator/payouts/",
    "/operator/payouts/{payout}/",
    "/operator/payouts/files/{file}/",
    "/operator/transfers/",
    "/operator/transfers/new/",
    "/operator/reconciliation/",
]
POSTS = [
    "/operator/payouts/collect/",
    "/operator/payouts/files/{file}/approve/",
    "/operator/payouts/files/{file}/refuse/",
    "/operator/payouts/files/{file}/download/",
    "/operator/payouts/accounts/1/approve/",
    "/operator/transfers/1/approve/",
    "/operator/reconciliation/run/",
    "/operator/reconciliation/1/",
]


@pytest.fixture
def rich(provider):
    earn(provider, 50_000)
    return provider


def test_the_whole_way_of_a_payout(rich, provider):
    owner, finance = member_of(rich, Role.OWNER), member_of(rich, Role.FINANCE)
    maker, checker = as_user(UserFactory(is_staff=True)), as_user(UserFactory(is_staff=True))
    details = details_of(rich)
    page = owner.post("/balance/payouts/account/", vars(details), follow=True)
    assert "Take back" in text_of(page)
    account = PayoutAccount.objects.get()
    approve = f"/balance/payouts/account/{account.pk}/approve/"
    assert "another person has to approve" in text_of(owner.post(approve, follow=True))
    assert "••••\u00a01234" in text_of(finance.post(approve, follow=True))
    assert details.number not in text_of(finance.get("/balance/payouts/"))
    PayoutAccount.objects.update(usable_at=account.proposed_at)

    key = finance.get("/balance/payouts/").context["form"]["key"].value()
    asking = {"taken_from": "receivable", "amount": "200.00", "key": key}
    for _ in range(2):  # A double click.
        assert "is asked for" in text_of(finance.post("/balance/payouts/ask/", asking, follow=True))
    payout = Payout.objects.get()

    page = maker.post("/operator/payouts/collect/", {"payout": [payout.pk]}, follow=True)
    file = PayoutFile.objects.get()
    assert file.sha256 in text_of(page)
    decide = f"/operator/payouts/files/{file.pk}/approve/"
    assert "another operator has to approve" in text_of(
        maker.post(decide, {"sha256": file.sha256}, follow=True)
    )
    assert "Download as CSV" in text_of(checker.post(decide, {"sha256": file.sha256}, follow=True))
    download = checker.post(f"/operator/payouts/files/{file.pk}/download/")
    assert download.content.decode().startswith("\ufeff流水号")
    assert payout.serial in download.content.decode()
    assert AuditEvent.objects.filter(verb="download").count() == 1

    results = SimpleUploadedFile("r.csv", f"流水号,结果\n{payout.serial},成功\n".encode("gbk"))
    assert "1 paid, 0 failed" in text_of(maker.post("/operator/payouts/", {"file": results}, follow=True))
    page = text_of(owner.get("/balance/payouts/"))
    assert payout.serial in page
    assert "Paid" in page
    assert balance_of(rich) == Balances(receivable=30_000)


def test_a_refusal_stands_on_the_form(rich):
    payout_account(rich)
    finance = member_of(rich, Role.FINANCE)
    page = finance.post("/balance/payouts/ask/", {"taken_from": "receivable", "amount": "500.01", "key": "k"})
    assert page.status_code == 422
    assert "¥0.01 short" in page.content.decode()
    page = finance.post("/balance/payouts/account/", vars(details_of(rich, cnaps="102100099995")))
    assert page.status_code == 422
    assert "CNAPS" in page.content.decode()


def test_a_trader_looks_and_does_nothing_and_a_viewer_does_not_look(rich):
    payout_account(rich)
    asked(rich, 20_000)
    trader = member_of(rich, Role.TRADER)
    page = text_of(trader.get("/balance/payouts/"))
    assert "¥200.00" in page
    assert "/balance/payouts/ask/" not in page
    for path in ("ask/", "schedule/", "account/", f"account/{PayoutAccount.objects.get().pk}/refuse/"):
        assert trader.post(f"/balance/payouts/{path}").status_code == 403
    assert member_of(rich, Role.VIEWER).get("/balance/payouts/").status_code == 403
    assert Client().get("/balance/payouts/").status_code == 302


def test_a_stranger_sees_and_decides_nothing_of_it(rich, stranger):
    payout = asked(rich, 20_000)
    client = as_user(stranger.user)
    assert payout.serial not in text_of(client.get("/balance/payouts/"))
    account = PayoutAccount.objects.get()
    assert client.post(f"/balance/payouts/account/{account.pk}/approve/").status_code == 404


def test_the_schedule_is_chosen_on_the_page(rich):
    finance = member_of(rich, Role.FINANCE)
    page = finance.post("/balance/payouts/schedule/", {"frequency": "weekly"}, follow=True)
    assert "The schedule is saved" in text_of(page)
    assert rich.payout_schedule.frequency == "weekly"


def test_operators_pages_are_theirs_alone(rich, stranger):
    payout = asked(rich, 20_000)
    file = sent(payout)
    names = {"payout": payout.pk, "file": file.pk}
    for client in (member_of(rich, Role.OWNER), as_user(stranger.user)):
        for path in OPERATORS:
            assert client.get(path.format(**names)).status_code == 403
        for path in POSTS:
            assert client.post(path.format(**names)).status_code == 403
    staff = as_user(UserFactory(is_staff=True))
    for path in OPERATORS:
        assert staff.get(path.format(**names)).status_code == 200


def test_an_operator_is_the_second_person_of_a_sole_owner(rich):
    MemberFactory(organisation=rich, role=Role.OWNER)
    owner = member_of(rich, Role.OWNER)
    owner.post("/balance/payouts/account/", vars(details_of(rich)))
    staff = as_user(UserFactory(is_staff=True))
    assert "Accounts that need a second person" in text_of(staff.get("/operator/payouts/"))
    account = PayoutAccount.objects.get()
    staff.post(f"/operator/payouts/accounts/{account.pk}/approve/")
    account.refresh_from_db()
    assert account.status == "approved"
    assert "Accounts that need a second person" not in text_of(staff.get("/operator/payouts/"))


def test_an_operator_gives_a_waiting_payout_back_on_its_page(rich):
    payout = asked(rich, 20_000)
    staff = as_user(UserFactory(is_staff=True))
    page = staff.post(f"/operator/payouts/{payout.pk}/", {"reason": "Wrong amount"}, follow=True)
    assert "Wrong amount" in text_of(page)
    assert balance_of(rich).receivable == 50_000


def test_bad_results_name_their_lines(rich):
    file = SimpleUploadedFile("r.csv", b"serial,result\nPO1,paid\n")
    page = as_user(UserFactory(is_staff=True)).post("/operator/payouts/", {"file": file})
    assert page.status_code == 422
    assert "Line 2: “PO1” is not a payout" in page.content.decode()


@pytest.fixture
def lines(now):
    """¥100 in suspense, and a charge of ¥12.50."""
    text = (
        "serial,date,amount,balance,payer,remark\n"
        "IN,2026-06-01,100,100,Unknown,?\n"
        "OUT,2026-06-01,-12.5,87.5,Bank,fee\n"
    )
    import_bank_lines(actor=operator(), csv_text=text, now=now)
    return {line.serial: line for line in BankLine.objects.all()}


def test_a_charge_is_explained_by_two_operators(lines):
    maker, checker = as_user(UserFactory(is_staff=True)), as_user(UserFactory(is_staff=True))
    out = lines["OUT"]
    assert "What was paid?" in text_of(maker.get(f"/operator/bank/{out.pk}/"))
    path = f"/operator/transfers/new/?line={out.pk}"
    form = maker.get(path).context["form"]
    values = {"reason": "Charge for the account"} | {
        name: form[name].value() or "" for name in ("debit_kind", "credit_kind", "amount")
    }
    assert "another operator has to approve" in text_of(maker.post(path, values, follow=True))
    manual = ManualTransfer.objects.get()
    decide = f"/operator/transfers/{manual.pk}/approve/"
    proposed = text_of(checker.get(f"/operator/bank/{out.pk}/"))
    assert f"/operator/transfers/{manual.pk}/" in proposed
    assert "What was paid?" not in proposed
    assert "another operator" in text_of(maker.post(decide, follow=True))
    assert "Approved" in text_of(checker.post(decide, follow=True))
    out.refresh_from_db()
    assert (out.status, out.transfer_id is not None) == ("booked", True)
    assert manual.serial in text_of(checker.get("/operator/transfers/"))


def test_differences_are_listed_with_their_age_until_resolved(lines, now):
    staff = as_user(UserFactory(is_staff=True))
    assert "Nothing was reconciled yet" in text_of(staff.get("/operator/reconciliation/"))
    page = text_of(staff.post("/operator/reconciliation/run/", follow=True))
    assert "Statement line without a transfer" in page
    assert "OUT" in page
    assert "days" in page
    difference = Difference.objects.get()
    path = f"/operator/reconciliation/{difference.pk}/"
    assert "Write down" in text_of(staff.post(path, {"note": " "}, follow=True))
    page = text_of(staff.post(path, {"note": "A charge, booked tomorrow"}, follow=True))
    assert "Nothing differs" in page
    assert "A charge, booked tomorrow" in page
