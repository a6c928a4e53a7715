"""Calls against a quota: each request id counts once, and never more than was bought."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from accounts.errors import InvalidInput
from settlement.licences.errors import QuotaExceeded, RequestIdUsed
from settlement.licences.models import Licence, MeteredCalls
from settlement.licences.operations import CallReport, meter_calls
from settlement.licences.queries import calls_by_day
from tests.factories.accounts import NOW
from tests.factories.licences import licensed, token_of
from tests.settlement.triggers import drop_constraint, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(buyer):
    return token_of(licensed(buyer, seats=2, kind="per_call", calls=50))


def report(token, *reports, now=NOW):
    return meter_calls(token=token, reports=[CallReport(*each) for each in reports], now=now)


def used() -> int:
    return Licence.objects.get().calls_used


def test_the_quota_is_the_calls_of_all_seats(token):
    metered = report(token, ("a", 30), ("b",))
    assert (metered.counted, metered.used, metered.quota, metered.left) == (31, 31, 100, 69)


def test_a_batch_that_is_sent_again_in_another_order_and_size_counts_once(token):
    report(token, ("a", 30), ("b", 5))
    again = report(token, ("b", 5), ("c", 1), ("a", 30), ("c", 1))
    assert (again.counted, again.used) == (1, 36)
    assert used() == sum(MeteredCalls.objects.values_list("calls", flat=True)) == 36


def test_without_the_unique_constraint_a_replay_would_count_twice(token):
    drop_constraint("licences_meteredcalls", "calls_metered_once")
    report(token, ("a", 30))
    report(token, ("a", 30))
    assert used() == 60


def test_a_batch_over_the_quota_counts_nothing(token):
    report(token, ("a", 99))
    with pytest.raises(QuotaExceeded, match="2 calls were reported; 1 of the quota are left"):
        report(token, ("b", 1), ("c", 1))
    assert used() == 99
    assert MeteredCalls.objects.count() == 1
    assert report(token, ("b", 1)).left == 0
    assert report(token, ("a", 99), ("b", 1)).counted == 0, "a replay is fine on an empty quota"


def test_without_the_check_the_quota_would_be_passed(token):
    run("SET CONSTRAINTS ALL IMMEDIATE")
    drop_constraint("licences_licence", "licence_never_over_quota")
    report(token, ("a", 101))
    assert used() == 101


def test_an_id_with_another_number_of_calls_is_refused(token):
    report(token, ("a", 3))
    for batch in ([("a", 4)], [("b", 1), ("b", 2)]):
        with pytest.raises(RequestIdUsed):
            report(token, *batch)
    assert used() == 3


def test_another_licence_has_its_own_ids(token, buyer):
    other = token_of(licensed(buyer, kind="per_call", calls=10))
    report(token, ("a", 3))
    assert report(other, ("a", 4)).used == 4


@pytest.mark.parametrize("count", [0, 1001])
def test_a_batch_has_a_size(token, count):
    with pytest.raises(InvalidInput, match="1 to 1000"):
        report(token, *[(str(number), 1) for number in range(count)])


def test_a_licence_without_a_quota_counts_no_calls(buyer):
    with pytest.raises(InvalidInput, match="counts no calls"):
        report(token_of(licensed(buyer)), ("a", 1))


def test_what_was_metered_stays(token):
    report(token, ("a", 3))
    for sql in ("UPDATE licences_meteredcalls SET calls = 1", "DELETE FROM licences_meteredcalls"):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            run(sql)
    with pytest.raises(IntegrityError), transaction.atomic():
        MeteredCalls.objects.create(
            licence=token.licence, request_id="z", calls=0, token=token, metered_at=NOW
        )


def test_the_page_sums_days_in_the_readers_zone(token):
    hour = datetime.timedelta(hours=1)
    report(token, ("a", 3), now=NOW)
    report(token, ("b", 4), now=NOW + 12 * hour)  # the next day in Shanghai
    days = calls_by_day(token.licence, since=NOW, zone=ZoneInfo("Asia/Shanghai"))
    assert [(str(day["day"]), day["total"]) for day in days] == [("2026-06-02", 4), ("2026-06-01", 3)]
