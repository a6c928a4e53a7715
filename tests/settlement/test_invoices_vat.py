"""VAT is included in prices, half-even in one place, by jurisdiction and day."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.invoices import vat
from settlement.invoices.period import month_after, month_of, start_of
from settlement.invoices.vat import Taxed, credit, rate_on, split

DAY = datetime.date(2026, 6, 1)
amounts = st.integers(min_value=1, max_value=10**12)
rates = st.sampled_from([0, 100, 300, 600, 900, 1300])


@pytest.mark.parametrize(
    ("jurisdiction", "rate"), [("mainland", 600), ("hong_kong", 0), ("macao", 0), ("other", 0)]
)
def test_each_jurisdiction_has_its_rate(jurisdiction, rate):
    assert rate_on(jurisdiction, DAY) == rate


def test_a_new_rate_holds_from_its_day_on(monkeypatch):
    new = vat.Rate(vat.Jurisdiction.MAINLAND, DAY, 500)
    monkeypatch.setattr(vat, "RATES", (*vat.RATES, new))
    assert rate_on("mainland", DAY - datetime.timedelta(days=1)) == 600
    assert rate_on("mainland", DAY) == 500


@pytest.mark.parametrize(
    ("gross", "net"),
    [(106, 100), (100, 94), (6200, 5849), (53, 50), (1, 1), (0, 0)],
)
def test_the_net_is_half_even_and_the_tax_is_the_rest(gross, net):
    assert split(gross, 600) == Taxed(gross, net)
    assert split(gross, 600).tax == gross - net


def test_ties_go_to_the_even_fen():
    assert split(3, 10_000).net == 2  # 1.5
    assert split(5, 10_000).net == 2  # 2.5


@given(gross=amounts, rate=rates, shares=st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_credits_in_parts_never_differ_from_the_whole(gross, rate, shares):
    line, credited, left = split(gross, rate), Taxed(0, 0), gross
    for share in [*shares, 1.0]:
        part = min(left, round(left * share))
        taken = credit(line, credited, part, rate)
        assert taken.gross == part
        assert taken.net >= 0
        assert taken.tax >= 0
        credited = Taxed(credited.gross + taken.gross, credited.net + taken.net)
        left -= part
        assert line.less(credited) == split(left, rate)
    assert credited == line


def test_months_are_of_the_exchanges_zone():
    before = datetime.datetime(2026, 6, 30, 15, 59, tzinfo=datetime.UTC)
    assert month_of(before) == DAY
    assert month_of(before + datetime.timedelta(minutes=1)) == month_after(DAY) == datetime.date(2026, 7, 1)
    assert start_of(month_after(DAY)) == before + datetime.timedelta(minutes=1)
    assert month_after(datetime.date(2026, 12, 1)) == datetime.date(2027, 1, 1)
