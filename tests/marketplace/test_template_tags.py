"""How pages write money, quantities, times and forms."""

import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.template import Context, Template
from django.utils import timezone, translation

from accounts.models import Organisation
from marketplace.templatetags import suanpan


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "¥0.00"),
        (1, "¥0.01"),
        (123_456_789, "¥1,234,567.89"),
        (-250, "−¥2.50"),
        (9_007_199_254_740_993, "¥90,071,992,547,409.93"),  # past 2^53: a float would lose a fen
        (Decimal("1234.5"), "¥12.34"),  # a mean: half a fen goes to the even one
        (None, "–"),
    ],
)
def test_money_is_written_in_yuan(fen, text):
    assert suanpan.money(fen) == text


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_money_reads_the_same_in_both_languages(language):
    with translation.override(language):
        assert suanpan.money(1_234_567) == "¥12,345.67"


def test_counts_are_grouped_and_carry_their_unit():
    assert suanpan.whole(1234567) == "1,234,567"
    assert suanpan.unit_hours(1) == "1 unit-hour"
    assert suanpan.unit_hours(32160) == "32,160 unit-hours"
    assert suanpan.hours(24) == "24 hours"


def test_shares_are_written_as_percentages():
    assert suanpan.percent(Decimal("0.0616")) == "6.2 %"
    assert suanpan.signed_percent(Decimal("0.38")) == "+38.0 %"
    assert suanpan.signed_percent(Decimal("-0.002")) == "-0.2 %"


def test_what_is_missing_is_an_en_dash_in_a_template_too():
    page = Template(
        "{% load suanpan %}{{ row.price|money }} {{ row.count|whole }} {% unit_price row.price %}"
    )
    assert page.render(Context({"row": None})) == "– – –"


def test_times_are_shown_in_the_zone_in_force_and_carry_the_instant():
    moment = datetime.datetime(2026, 6, 1, 20, 30, tzinfo=datetime.UTC)
    with timezone.override(ZoneInfo("Asia/Shanghai")):
        shown = suanpan.when(moment)
    assert ">2026-06-02 04:30</time>" in shown
    assert 'datetime="2026-06-01T20:30:00+00:00"' in shown


def test_a_slot_of_another_year_says_which():
    now = timezone.now()
    later = datetime.datetime(now.year + 2, 3, 1, 4, tzinfo=datetime.UTC)
    with timezone.override(datetime.UTC):
        assert f">{now:%m-%d %H:%M}</time>" in suanpan.slot(now)
        assert f">{later:%Y-%m-%d %H:%M}</time>" in suanpan.slot(later)


def test_a_row_with_two_names_is_called_by_that_of_the_page():
    organisation = Organisation(name_en="Lingnan Robotics", name_zh="岭南机器人")
    with translation.override("zh-hans"):
        assert suanpan.local_name_or_nothing(organisation) == "岭南机器人"
    with translation.override("en"):
        assert suanpan.local_name_or_nothing(organisation) == "Lingnan Robotics"


class Form(forms.Form):
    units = forms.IntegerField(help_text="How many.", max_value=8)
    hubs = forms.MultipleChoiceField(
        choices=[("a", "Hub <A>"), ("b", "Hub B")], widget=forms.CheckboxSelectMultiple, required=False
    )


def rendered(form: forms.Form) -> str:
    return Template("{% load suanpan %}{% field form.units 'GPU' %}{% field form.hubs %}").render(
        Context({"form": form})
    )


def test_a_field_ties_label_help_and_error_to_its_control():
    html = rendered(Form({"units": "9"}))
    assert '<label class="form-label required" for="id_units">' in html
    assert 'aria-describedby="id_units_helptext id_units_error"' in html
    assert 'id="id_units_helptext"' in html
    assert 'id="id_units_error"' in html
    assert 'aria-invalid="true"' in html
    assert "is-invalid" in html


def test_choices_have_a_legend_and_are_escaped():
    html = rendered(Form())
    assert "<legend" in html
    assert 'for="id_hubs_0"' in html
    assert 'id="id_hubs_0"' in html
    assert "Hub &lt;A&gt;" in html
