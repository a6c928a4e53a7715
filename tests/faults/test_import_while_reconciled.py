"""A bank line still on its way into the database while a day is proved is not passed over ever after."""

import datetime
import threading

import pytest
from django.db import connection, transaction

from accounts.audit import Actor
from accounts.models import Organisation, User
from settlement.payments.models import Difference, Reconciliation
from settlement.payments.operations import import_bank_lines, reconcile, top_up_reference

pytestmark = pytest.mark.django_db(transaction=True)
DAY = datetime.timedelta(days=1)


def lines_of(serial: str, now: datetime.datetime, yuan: int, remark: str) -> str:
    return f"serial,date,amount,payer,remark\n{serial},{now.date()},{yuan},ACME,{remark}\n"


def prove_while_importing(operator: User, buyer: Organisation, now: datetime.datetime) -> list[str]:
    """One import is slow to commit; meanwhile another does, and the day is proved. What the next finds."""
    actor, code = Actor(user=operator), top_up_reference(buyer)
    import_bank_lines(actor=actor, csv_text=lines_of("first", now, 100, code), now=now)

    def another_and_the_proof() -> None:
        import_bank_lines(actor=actor, csv_text=lines_of("quick", now, 100, code), now=now)
        reconcile(day=now.date(), now=now)
        connection.close()

    meanwhile = threading.Thread(target=another_and_the_proof)
    with transaction.atomic():
        import_bank_lines(actor=actor, csv_text=lines_of("slow", now, -7, "a charge"), now=now)
        meanwhile.start()
        meanwhile.join(timeout=2)
    meanwhile.join()
    reconcile(day=now.date() + DAY, now=now + DAY)
    return list(Difference.objects.standing().values_list("what", flat=True))


def test_without_the_lock_a_slow_line_is_never_read(operator, buyer, now, monkeypatch):
    monkeypatch.setattr("settlement.payments.operations.bank.hold_still", lambda kind, currency: None)
    assert prove_while_importing(operator, buyer, now) == []
    assert Reconciliation.objects.filter(account="bank").latest("pk").is_proof


def test_with_it_the_proof_waits_for_the_line(operator, buyer, now):
    assert prove_while_importing(operator, buyer, now) == ["slow"]
