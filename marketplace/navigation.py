"""What every page needs around its content: the sections a person may visit, and for which organisation."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Member, Role
from accounts.permissions import ROLE_MAY, Permission
from accounts.requests import PageRequest
from settlement.vouchers.queries import has_programmes


@dataclass(frozen=True)
class Section:
    label: str | Promise
    path: str
    icon: str


def may(member: Member, permission: Permission) -> bool:
    return permission in ROLE_MAY[Role(member.role)]


PUBLIC_SECTIONS = [
    Section(_("Market"), "/market/", "chart-candle"),
    Section(_("Algorithms"), "/algorithms/", "brain"),
]
MEMBER_SECTIONS: list[tuple[Section, Callable[[Member], bool]]] = [
    (Section(_("Orders"), "/orders/", "list-details"), lambda member: member.organisation.buys),
    (Section(_("Listings"), "/listings/", "server-2"), lambda member: member.organisation.provides),
    (Section(_("Contracts"), "/contracts/", "file-certificate"), lambda member: True),
    (Section(_("Licences"), "/licences/", "license"), lambda member: True),
    (
        Section(_("Vouchers"), "/vouchers/", "certificate"),
        lambda member: member.organisation.buys or has_programmes(member.organisation),
    ),
    (Section(_("Balance"), "/balance/", "wallet"), lambda member: may(member, Permission.SEE_MONEY)),
    (Section(_("Invoices"), "/invoices/", "file-text"), lambda member: may(member, Permission.SEE_MONEY)),
    (Section(_("Organisation"), "/organisation/", "building"), lambda member: True),
]
NEWCOMER_SECTIONS = [Section(_("Register your organisation"), "/organisation/create/", "building")]
OPERATOR_GROUPS = [
    (
        _("Market"),
        [
            Section(_("Rounds"), "/operator/rounds/", "gavel"),
            Section(_("Verification"), "/operator/verification/", "shield-check"),
            Section(_("Voucher issuers"), "/operator/vouchers/", "certificate"),
        ],
    ),
    (
        _("Contracts"),
        [
            Section(_("All contracts"), "/operator/contracts/", "file-certificate"),
            Section(_("Disputes"), "/operator/disputes/", "scale"),
            Section(_("Licences"), "/operator/licences/", "license"),
        ],
    ),
    (
        _("Money"),
        [
            Section(_("Bank lines"), "/operator/bank/", "building-bank"),
            Section(_("Payouts"), "/operator/payouts/", "cash"),
            Section(_("Manual transfers"), "/operator/transfers/", "switch-horizontal"),
            Section(_("Reconciliation"), "/operator/reconciliation/", "circle-check"),
            Section("Stripe", "/operator/stripe/", "world"),
            Section(_("Fapiao"), "/operator/fapiao/", "file-text"),
        ],
    ),
]


def sections_of(member: Member) -> list[Section]:
    return [section for section, shown_to in MEMBER_SECTIONS if shown_to(member)]


def navigation(request: PageRequest) -> dict[str, object]:
    """Template context: `sections` and `operator_groups`, in the order shown, `may_buy` and `demo`."""
    if not request.user.is_authenticated:
        return {"sections": PUBLIC_SECTIONS, "demo": settings.DEMO}
    newcomer = [] if request.user.is_operator else NEWCOMER_SECTIONS
    own = sections_of(request.member) if request.member else newcomer
    return {
        "demo": settings.DEMO,
        "may_buy": request.member is not None
        and request.member.organisation.buys
        and may(request.member, Permission.TRADE),
        "sections": PUBLIC_SECTIONS + own,
        "operator_groups": OPERATOR_GROUPS if request.user.is_operator else [],
    }
