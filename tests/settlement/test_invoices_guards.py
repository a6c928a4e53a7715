"""What the database refuses of invoices: first without the guard, to see the harm, then with it."""

import threading
from collections.abc import Callable

import pytest
from django.db import Error, IntegrityError, connection, transaction

from settlement.invoices.models import Charge, Invoice, InvoiceItem, InvoiceLine, NumberSeries
from settlement.invoices.operations import collect_charges, issue_monthly_invoices
from settlement.invoices.operations.issue import Scope, issue
from settlement.invoices.period import month_of
from tests.factories.accounts import OrganisationFactory
from tests.factories.settlement import HOUR
from tests.settlement.invoicing import JULY, START, corrected, mainland, opened, paid
from tests.settlement.triggers import drop_constraint, drop_trigger, run

pytestmark = pytest.mark.django_db
FORBIDDEN = [
    ("invoices_invoice", "UPDATE invoices_invoice SET document = '{}'"),
    ("invoices_invoiceline", "UPDATE invoices_invoiceline SET position = position + 7"),
    ("invoices_invoiceitem", "UPDATE invoices_invoiceitem SET part = part + 7"),
    ("invoices_invoiceitem", "DELETE FROM invoices_invoiceitem"),
    ("invoices_charge", "UPDATE invoices_charge SET supply = supply + 1"),
]


@pytest.fixture
def invoice(buyer, provider) -> Invoice:
    """Three hours of 2,000, 2,400 and 1,800 fen, invoiced."""
    paid(opened(buyer, mainland(provider)))
    issue_monthly_invoices(now=JULY)
    look()
    return Invoice.objects.get(kind="supply")


@pytest.mark.parametrize(("table", "forgery"), FORBIDDEN)
def test_what_is_written_stays(invoice, table, forgery):
    with pytest.raises(Error, match=r"[Cc]annot (update|delete)"), transaction.atomic():
        run(forgery)
    drop_trigger(table, "append_only")
    assert run(forgery) > 0


def copied(row, **changes):
    """The row, to be written once more."""
    for name, value in changes.items():
        setattr(row, name, value)
    row.pk = None
    row._state.adding = True
    return row


def look() -> None:
    """Have the triggers look that wait for the commit."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET CONSTRAINTS ALL DEFERRED")


def saved_for_a_moment(row, *, look_at: bool = True) -> None:
    """Save it, perhaps with the commit's triggers, and take it back: the harm must not outlive the test."""
    with transaction.atomic():
        row.save()
        if look_at:
            look()
        transaction.set_rollback(True)


def test_a_charge_is_invoiced_once(invoice):
    item = copied(InvoiceItem.objects.first())
    with pytest.raises(IntegrityError, match="charge_invoiced_once"), transaction.atomic():
        item.save()


def test_a_charge_is_invoiced_whole(invoice):
    """The key alone would let a second part double a charge."""
    drop_trigger("invoices_invoiceitem", "all_at_once")
    doubled = copied(InvoiceItem.objects.filter(line__invoice=invoice).first(), part=1)
    with pytest.raises(IntegrityError, match="not invoiced whole"):
        saved_for_a_moment(doubled)
    drop_trigger("invoices_invoiceitem", "charge_whole")
    saved_for_a_moment(copied(doubled))


@pytest.mark.parametrize(("table", "rows"), [("invoiceline", InvoiceLine), ("invoiceitem", InvoiceItem)])
def test_nothing_is_added_to_an_invoice_later(invoice, table, rows):
    late = rows.objects.first()
    late = copied(late, position=9) if rows is InvoiceLine else copied(late, part=9)
    with pytest.raises(IntegrityError, match="all at once"), transaction.atomic():
        late.save()
    drop_trigger(f"invoices_{table}", "all_at_once")
    saved_for_a_moment(copied(late), look_at=False)


def test_an_invoice_is_the_sum_of_its_lines(invoice):
    empty = copied(invoice, serial=invoice.serial + 1, number="INV-2026-000002", sha256="0" * 64)
    with pytest.raises(IntegrityError, match="not the sum of its lines"):
        saved_for_a_moment(empty)
    drop_trigger("invoices_invoice", "adds_up")
    saved_for_a_moment(copied(empty))


def test_a_number_leaves_no_gap(invoice):
    gap = copied(invoice, serial=invoice.serial + 2, number="INV-2026-000003", sha256="0" * 64)
    with pytest.raises(IntegrityError, match="leaves a gap"), transaction.atomic():
        gap.save()
    drop_trigger("invoices_invoice", "no_gaps")
    saved_for_a_moment(copied(gap), look_at=False)


def test_no_more_is_credited_than_was_charged(invoice):
    line = invoice.lines.get()
    drop_trigger("invoices_invoiceline", "all_at_once")
    fields = {"invoice": invoice, "contract": line.contract, "corrects": line, "vat_basis_points": 600}
    saved_for_a_moment(InvoiceLine(**fields, position=2, gross=6200, net=5849, tax=351), look_at=False)
    more = InvoiceLine(**fields, position=2, gross=6201, net=5850, tax=351)
    with pytest.raises(IntegrityError, match="more would be credited"), transaction.atomic():
        more.save()
    drop_trigger("invoices_invoiceline", "never_more_than_charged")
    saved_for_a_moment(copied(more), look_at=False)


def at_once(count: int, work: Callable[[int], object]) -> list[BaseException]:
    """Run `work` in that many threads, each with a connection of its own; what they raised."""
    raised: list[BaseException] = []

    def run_one(number: int) -> None:
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 - handed to the test
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run_one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gap_though_all_come_at_once_and_some_fail(monkeypatch):
    provider = mainland(OrganisationFactory())
    buyers = [OrganisationFactory() for _ in range(8)]
    for number, buyer in enumerate(buyers):
        paid(opened(buyer, provider, number=number, prices=(1000,)), hours=1)
    collect_charges()

    def announce(*, invoice: Invoice, now: object) -> None:
        if invoice.customer_id in (buyers[2].pk, buyers[5].pk):
            raise RuntimeError("the letter is lost")

    monkeypatch.setattr("settlement.invoices.operations.issue.announce", announce)

    def issue_one(number: int) -> None:
        scope = Scope(Invoice.Kind.SUPPLY, provider.pk, buyers[number].pk, month=month_of(START))
        issue(scope=scope, now=JULY)

    assert len(at_once(8, issue_one)) == 2
    assert sorted(Invoice.objects.values_list("serial", flat=True)) == [1, 2, 3, 4, 5, 6]
    assert NumberSeries.objects.get(series="INV").last == 6


@pytest.mark.django_db(transaction=True)
def test_one_invoice_though_all_issue_it_at_once():
    buyer, provider = OrganisationFactory(), mainland(OrganisationFactory())
    contract = opened(buyer, provider)
    paid(contract)
    corrected(contract, seconds=7000, now=START + 9 * HOUR)
    assert at_once(6, lambda _: issue_monthly_invoices(now=JULY)) == []
    assert [invoice.gross for invoice in Invoice.objects.filter(kind="supply")] == [4340]
    assert Charge.objects.filter(items=None, supply__gt=0).count() == 0


def test_without_its_key_a_charge_is_invoiced_twice(invoice, monkeypatch):
    """Had two issuers read the same pending charges, the key would stand between them."""
    everything = Charge.objects.exclude(supply=0)
    passes = iter([everything, everything, Charge.objects.none()])
    monkeypatch.setattr("settlement.invoices.operations.issue.pending_charges", lambda kind: next(passes))
    scope = Scope(Invoice.Kind.SUPPLY, invoice.seller_id, invoice.customer_id, month=month_of(START))
    with pytest.raises(IntegrityError, match="charge_invoiced_once"), transaction.atomic():
        issue(scope=scope, now=JULY)
    drop_constraint("invoices_invoiceitem", "charge_invoiced_once")
    run("SET CONSTRAINTS ALL DEFERRED")
    drop_trigger("invoices_invoiceitem", "charge_whole")
    issue(scope=scope, now=JULY)
    assert sum(each.gross for each in Invoice.objects.filter(kind="supply")) == 2 * 6200
