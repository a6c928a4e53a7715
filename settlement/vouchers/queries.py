"""What became of vouchers' money, read from holds and contracts; and who is affiliated with whom."""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from accounts.models import Member, Organisation, Role
from settlement.contracts.funding import funded_state
from settlement.contracts.models import Contract
from settlement.ledger.models import Hold
from settlement.vouchers.models import Affiliation, Issuer, Programme, Voucher, VoucherUse

BASIS_POINTS = 10_000
YEARS_ZONE = ZoneInfo("Asia/Shanghai")  # A programme's year is the calendar year there.


def year_of(moment: datetime.datetime) -> int:
    return moment.astimezone(YEARS_ZONE).year


def end_of_year(year: int) -> datetime.datetime:
    return datetime.datetime(year + 1, 1, 1, tzinfo=YEARS_ZONE)


def is_issuer(organisation: Organisation) -> bool:
    return Issuer.objects.active().filter(organisation=organisation).exists()


def has_programmes(organisation: Organisation) -> bool:
    """An issuer, or one that was and has programmes to bring to their end."""
    return is_issuer(organisation) or Programme.objects.of(organisation).exists()


def programmes_seen_by(firm: Organisation, *, now: datetime.datetime) -> QuerySet[Programme]:
    """Those that take applications, those that it has applied to, and its own once they are open."""
    seen = Programme.objects.exclude(status=Programme.Status.DRAFT).filter(
        Q(pk__in=Programme.objects.taking_applications(now).values("pk"))
        | Q(applications__organisation=firm)
        | Q(issuer=firm)
    )
    return seen.select_related("issuer").prefetch_related("tiers", "accelerators__accelerator").distinct()


def has_voucher(programme: Programme, firm: Organisation, *, year: int) -> bool:
    """By its registration, whatever row it is here."""
    vouchers = programme.vouchers.filter(year=year, jurisdiction=firm.jurisdiction)
    return vouchers.filter(registration_number=firm.registration_number).exists()


def waits_or_has_voucher(programme: Programme, firm: Organisation, *, now: datetime.datetime) -> bool:
    """Whether the firm has nothing to apply for at present."""
    waits = programme.applications.pending().filter(organisation=firm).exists()
    return waits or has_voucher(programme, firm, year=year_of(now))


@dataclass(frozen=True)
class Figures:
    """Where a programme's money is, in fen: set aside, paid for delivered hours, or back."""

    reserved: int = 0
    redeemed: int = 0
    returned: int = 0

    @property
    def used(self) -> int:
        """What is not to be had for another order."""
        return self.reserved + self.redeemed

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.reserved + other.reserved, self.redeemed + other.redeemed, self.returned + other.returned
        )


NOTHING = Figures()


def figures_of(use: VoucherUse) -> Figures:
    """Read from the use's hold and, once there is one, its contract."""
    hold = use.hold
    match Hold.Status(hold.status):
        case Hold.Status.PENDING:
            return Figures(reserved=hold.funded)
        case Hold.Status.VOIDED | Hold.Status.EXPIRED:
            return Figures(returned=hold.funded)
        case Hold.Status.POSTED:
            contract: Contract = hold.contract
            state = funded_state(
                funded=contract.funded,
                total=contract.total,
                escrow=contract.escrow,
                returned=contract.returned,
            )
            never_needed = hold.funded - contract.funded
            return Figures(state.reserved, state.redeemed, state.returned + never_needed)


def uses_of(vouchers: Iterable[Voucher] | QuerySet[Voucher]) -> QuerySet[VoucherUse]:
    """Newest first, with what their figures and their rows on a page are read from."""
    return (
        VoucherUse.objects.filter(voucher__in=vouchers)
        .select_related(
            "voucher__organisation",
            "hold__transfer",
            "hold__contract__provider",
            "hold__contract__pool__facility",
            "hold__contract__pool__accelerator",
            "hold__contract__plan__algorithm",
        )
        .defer("hold__contract__document", "hold__contract__hourly_prices")
    )


def figures_by_voucher(vouchers: Iterable[Voucher] | QuerySet[Voucher]) -> Mapping[int, Figures]:
    figures: dict[int, Figures] = defaultdict(Figures)
    for use in uses_of(vouchers):
        figures[use.voucher_id] += figures_of(use)
    return figures


def left_of(voucher: Voucher) -> int:
    """What the voucher can still bear, in fen; what comes back can be used again until it expires."""
    return voucher.amount - figures_by_voucher([voucher])[voucher.pk].used


def committed(programme: Programme, *, now: datetime.datetime) -> int:
    """What its vouchers may still use, or have used, in fen: what a new one cannot have."""
    vouchers = list(programme.vouchers.all())
    figures = figures_by_voucher(vouchers)
    live = [each for each in vouchers if each.revoked_at is None and now < each.expires_at]
    over = {each.pk for each in vouchers} - {each.pk for each in live}
    return sum(each.amount for each in live) + sum(figures[pk].used for pk in over)


def affiliates_of(organisation: Organisation) -> set[int]:
    """Whom a voucher of the organisation does not pay: affiliates declared, or with an owner in common."""
    pairs = Affiliation.objects.standing().of(organisation).values_list("first", "second")
    declared = {pk for pair in pairs for pk in pair}
    owners = Member.objects.filter(organisation=organisation, role=Role.OWNER).values("user")
    owned = Member.objects.filter(user__in=owners, role=Role.OWNER).values_list("organisation", flat=True)
    return (declared | set(owned)) - {organisation.pk}


def barred_sellers(hold_ids: Iterable[int]) -> Mapping[int, set[int]]:
    """By hold: whom the voucher behind it, if there is one, does not pay."""
    uses = VoucherUse.objects.filter(hold__in=list(hold_ids)).select_related("voucher__organisation")
    firms = {use.voucher.organisation_id: use.voucher.organisation for use in uses}
    barred = {pk: affiliates_of(firm) for pk, firm in firms.items()}
    return {use.hold_id: barred[use.voucher.organisation_id] for use in uses}


@dataclass(frozen=True)
class UsableVoucher:
    """A voucher that may pay for a new order, as a form shows it."""

    voucher: Voucher
    left: int
    ratio_basis_points: int

    @property
    def ratio(self) -> Decimal:
        return Decimal(self.ratio_basis_points).scaleb(-4)

    def part_of(self, most: int) -> int:
        """What it bears of an order that costs `most` fen at most."""
        return min(most * self.ratio_basis_points // BASIS_POINTS, self.left)


def usable_vouchers(organisation: Organisation, *, now: datetime.datetime) -> list[UsableVoucher]:
    """Those with something left, for a firm whose tier is still eligible."""
    vouchers = list(
        Voucher.objects.usable(now).filter(organisation=organisation).select_related("programme__issuer")
    )
    figures = figures_by_voucher(vouchers)
    usable = []
    for voucher in vouchers:
        tier = voucher.programme.tiers.filter(tier=organisation.tier).first()
        left = voucher.amount - figures[voucher.pk].used
        if tier is not None and left > 0:
            usable.append(UsableVoucher(voucher, left, tier.ratio_basis_points))
    return usable
