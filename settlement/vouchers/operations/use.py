"""An order pays in part with a voucher: its programme's rules are checked, its limit under a lock."""

import datetime
from collections.abc import Collection, Set
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organisation
from accounts.names import local_name
from listings.models import Accelerator
from settlement.contracts.models import Contract
from settlement.ledger.models import Currency, Hold
from settlement.ledger.operations import Funding, place_hold
from settlement.vouchers.errors import VoucherRefused
from settlement.vouchers.models import Programme, Voucher, VoucherUse
from settlement.vouchers.queries import UsableVoucher, affiliates_of, left_of


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """What an order may come to buy, as far as rules ask. No accelerator named: any.

    `most` is the most it costs, in fen; `ends_at` the latest end of its delivery, if it has one.
    """

    kind: Contract.Kind
    most: int
    ends_at: datetime.datetime | None = None
    accelerators: Collection[int] = ()
    domestic_only: bool = False


@dataclass(frozen=True)
class Claim:
    """A locked voucher's part of one order, in fen, and whom it does not pay."""

    voucher: Voucher
    amount: int
    barred: Set[int]

    @property
    def expires_at(self) -> datetime.datetime:
        return self.voucher.expires_at


def claim(
    *, organisation: Organisation, voucher_id: int, purchase: Purchase, now: datetime.datetime
) -> Claim:
    """Lock the voucher and work out its part: the ratio of the most that the order costs, or what is left.

    The caller is in the transaction that places the order. Raises VoucherRefused with what to change.
    """
    own = Voucher.objects.filter(organisation=organisation, pk=voucher_id)
    voucher = own.select_for_update(no_key=True).first()
    if voucher is None:
        raise VoucherRefused(_("Your organisation has no voucher %(id)s.") % {"id": voucher_id})
    programme = Programme.objects.select_related("issuer").get(pk=voucher.programme_id)
    voucher.programme = programme
    _refuse_unless_valid(voucher, now)
    _refuse_unless_paid_for(programme, purchase)
    tier = programme.tiers.filter(tier=organisation.tier).first()
    if tier is None:
        raise VoucherRefused(
            _("%(programme)s is not for this type of enterprise any more: %(tier)s.")
            % {"programme": local_name(programme), "tier": organisation.get_tier_display()}
        )
    usable = UsableVoucher(voucher, left_of(voucher), tier.ratio_basis_points)
    amount = usable.part_of(purchase.most)
    if amount <= 0:
        raise VoucherRefused(_("Nothing of this voucher is left to use: place the order without it."))
    return Claim(voucher, amount, affiliates_of(organisation))


@transaction.atomic
def hold_with_voucher(
    *,
    claim: Claim,
    organisation: Organisation,
    amount: int,
    source: str,
    source_id: str,
    now: datetime.datetime,
) -> Hold:
    """Hold `amount` fen, the claim's part of it from the programme. Raises InsufficientFunds."""
    account = claim.voucher.programme.account_id
    assert account is not None, "a voucher's programme was opened"
    hold = place_hold(
        organisation=organisation,
        amount=amount,
        source=source,
        source_id=source_id,
        expires_at=None,
        now=now,
        funding=Funding(account, claim.amount),
    )
    VoucherUse.objects.get_or_create(hold=hold, defaults={"voucher": claim.voucher, "placed_at": now})
    return hold


def _refuse_unless_valid(voucher: Voucher, now: datetime.datetime) -> None:
    programme = voucher.programme
    if voucher.revoked_at is not None:
        raise VoucherRefused(_("This voucher was revoked: place the order without it."))
    if not programme.is_open or now < programme.starts_at:
        raise VoucherRefused(_("%(name)s pays for no orders now.") % {"name": local_name(programme)})
    if now >= voucher.expires_at:
        raise VoucherRefused(_("This voucher has expired: place the order without it."))
    if programme.currency != Currency.CNY:
        raise VoucherRefused(
            _("%(name)s pays in %(currency)s, and orders are in CNY.")
            % {"name": local_name(programme), "currency": programme.currency}
        )


def _refuse_unless_paid_for(programme: Programme, purchase: Purchase) -> None:
    name = {"name": local_name(programme)}
    if purchase.kind.value not in programme.kinds:
        raise VoucherRefused(
            _("%(name)s does not pay for this: %(kind)s.") % (name | {"kind": purchase.kind.label})
        )
    if purchase.kind != Contract.Kind.COMPUTE:
        return
    if purchase.ends_at is not None and purchase.ends_at > programme.ends_at:
        raise VoucherRefused(
            _("%(name)s pays for hours until %(until)s: let the window end by then.")
            % (name | {"until": f"{programme.ends_at:%Y-%m-%d %H:%M} UTC"})
        )
    named = Accelerator.objects.filter(pk__in=purchase.accelerators)
    if programme.domestic_only and not (
        purchase.domestic_only or (purchase.accelerators and all(each.domestic for each in named))
    ):
        raise VoucherRefused(
            _("%(name)s pays for domestic accelerators only: ask for domestic accelerators only.") % name
        )
    rules = programme.accelerators.select_related("accelerator")
    paid_for = {each.accelerator_id: each.accelerator for each in rules}
    if paid_for and not (purchase.accelerators and set(purchase.accelerators) <= set(paid_for)):
        raise VoucherRefused(
            _("%(name)s pays for these accelerators only, so accept no others: %(accelerators)s.")
            % (name | {"accelerators": ", ".join(sorted(map(str, paid_for.values())))})
        )
