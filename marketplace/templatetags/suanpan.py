"""How pages write money, quantities, times and forms. Money becomes Decimal here and nowhere before.

A template hands an empty string where an attribute of nothing was asked for: it is written as an en dash too.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from django import template
from django.forms import (
    BoundField,
    CheckboxInput,
    CheckboxSelectMultiple,
    RadioSelect,
    Select,
)
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.names import TwoNamed, local_name
from listings import places

register = template.Library()

NOTHING = "–"
FEN = Decimal("0.01")


@register.filter
def money(fen: int | Decimal | Literal[""] | None) -> str:
    """1234567 -> ¥12,345.67; a mean that is no whole fen is rounded; None, or nothing, -> an en dash."""
    if fen is None or isinstance(fen, str):
        return NOTHING
    yuan = Decimal(fen) * FEN
    return f"{'−' if yuan < 0 else ''}¥{abs(yuan):,.2f}"


@register.filter
def whole(number: int | Literal[""] | None) -> str:
    """A count, grouped by thousands."""
    return NOTHING if number is None or isinstance(number, str) else f"{number:,}"


@register.filter
def unit_hours(number: int | None) -> str:
    if number is None:
        return NOTHING
    return ngettext("%(count)s unit-hour", "%(count)s unit-hours", number) % {"count": f"{number:,}"}


@register.filter
def hours(number: int | None) -> str:
    if number is None:
        return NOTHING
    return ngettext("%(count)s hour", "%(count)s hours", number) % {"count": f"{number:,}"}


@register.filter
def percent(ratio: float | Decimal | None, places: int = 1) -> str:
    """0.0616 -> 6.2 %."""
    if ratio is None:
        return NOTHING
    return _("%(share)s %%") % {"share": f"{Decimal(str(ratio)) * 100:,.{places}f}"}


@register.filter
def signed_percent(ratio: float | Decimal | None, places: int = 1) -> str:
    """0.38 -> +38.0 %."""
    return NOTHING if ratio is None else f"{'+' if ratio > 0 else ''}{percent(ratio, places)}"


def _time_element(moment: datetime | None, form: str) -> SafeString | str:
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        local.strftime("%Y-%m-%d %H:%M:%S %Z"),
        local.strftime(form),
    )


@register.filter
def when(moment: datetime | None) -> SafeString | str:
    """A moment in the organisation's zone, to the minute."""
    return _time_element(moment, "%Y-%m-%d %H:%M")


@register.filter
def slot(moment: datetime | None) -> SafeString | str:
    """A slot: month, day and hour in the organisation's zone; the year too, where it is another than this."""
    if moment is None:
        return NOTHING
    this_year = timezone.localtime(moment).year == timezone.localtime().year
    return _time_element(moment, "%m-%d %H:%M" if this_year else "%Y-%m-%d %H:%M")


@register.filter
def short_hash(sha256: str) -> SafeString:
    return format_html('<code title="{}">{}…</code>', sha256, sha256[:12])


@register.filter(name="local_name")
def local_name_or_nothing(row: TwoNamed | Literal[""] | None) -> str:
    """The Chinese or the English name of a row that has both (organisation, facility, algorithm)."""
    return NOTHING if row is None or isinstance(row, str) else local_name(row)


@register.filter
def local_city(city: str) -> str:
    return places.local_city(city)


@register.simple_tag
def unit_price(fen: int | Decimal | Literal[""] | None) -> SafeString | str:
    """A price with its unit."""
    if fen is None or isinstance(fen, str):
        return NOTHING
    return format_html('{} <span class="unit">{}</span>', money(fen), _("/ unit-hour"))


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """One icon of the vendored sprite, hidden from screen readers: the text beside it speaks."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        css,
        static("vendor/tabler-icons/sprite.svg"),
        name,
    )


TONES = {
    "green": [
        *("active", "verified", "filled", "settled", "completed", "listed", "accepted", "booked", "paid"),
        *("approved", "confirmed", "issued", "won", "delivered"),
    ],
    "blue": [
        *("open", "cleared", "clearing", "delivering", "released", "metered", "decided"),
        *("collected", "sent", "under_review", "warning_under_review"),
    ],
    "orange": [
        *("pending", "closed", "paused", "draft", "suspense", "held", "resting"),
        *("provisioning", "disputed", "answered", "unmetered", "returned", "declared"),
        *("proposed", "unexplained", "waiting", "grace", "suspended", "requested"),
        *("needs_response", "warning_needs_response"),
    ],
    "red": [
        *("rejected", "failed", "terminated", "revoked", "no_capacity", "limit_too_low", "indivisible"),
        *("lost", "other_half", "given_up"),
    ],
}
TONE_OF = {status: tone for tone, statuses in TONES.items() for status in statuses}


@register.simple_tag
def status(value: str, label: str) -> SafeString:
    """A status as a badge: its colour by what it means, its word always beside the colour."""
    return format_html('<span class="status status-{}">{}</span>', TONE_OF.get(value, "secondary"), label)


@register.filter
def starts_with(text: str, start: str) -> bool:
    return text.startswith(start)


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, suffix: str = "") -> dict[str, object]:
    """One form field: label, control, help, errors. `suffix` is its unit."""
    widget = bound.field.widget
    kind, css = "control", "form-control"
    if isinstance(widget, CheckboxSelectMultiple | RadioSelect):
        kind, css = "choices", "form-check-input"
    elif isinstance(widget, CheckboxInput):
        kind, css = "check", "form-check-input"
    elif isinstance(widget, Select):
        css = "form-select"
    if bound.errors:
        css += " is-invalid"
    widget.attrs["class"] = f"{css} {widget.attrs.get('class', '')}".strip()
    return {"field": bound, "kind": kind, "suffix": suffix}
