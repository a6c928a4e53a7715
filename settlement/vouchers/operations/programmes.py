"""Write a programme, open it with its budget, close it, and give the issuer back what is left."""

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import Organisation
from accounts.permissions import Permission, require, require_verified
from listings.models import Accelerator
from settlement.contracts.models import Contract
from settlement.ledger.models import Account, AccountKind, Currency, Transfer, TransferKind
from settlement.ledger.operations import Posting, numbered_account, open_accounts, post_transfer
from settlement.vouchers.errors import ProgrammeRefused
from settlement.vouchers.models import Programme, ProgrammeAccelerator, ProgrammeTier
from settlement.vouchers.queries import is_issuer

PROGRAMME = "programme"  # The `source` of a programme's own transfers.
LARGEST_BUDGET = 1_000_000_000_000_00  # fen


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a programme pays for, and whom. `ratios` are basis points by tier; no accelerator named: any."""

    name_zh: str
    name_en: str
    budget: int
    cap: int
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    ratios: Mapping[str, int]
    kinds: Collection[str] = (Contract.Kind.COMPUTE.value,)
    currency: str = Currency.CNY.value
    domestic_only: bool = False
    accelerators: Collection[int] = field(default_factory=tuple)

    def check(self) -> None:
        """Raise InvalidInput, with what to change, unless the rules make a programme."""
        if not self.name_zh.strip() or not self.name_en.strip():
            raise InvalidInput(_("Give the programme a name in Chinese and in English."))
        if not 0 < self.cap <= self.budget <= LARGEST_BUDGET:
            raise InvalidInput(_("The most per firm and year must be above zero and within the budget."))
        if self.ends_at <= self.starts_at:
            raise InvalidInput(_("The period must end after it begins."))
        if not self.kinds:
            raise InvalidInput(_("Choose what the programme pays for: compute, licences or both."))
        if not self.ratios or not all(0 < ratio <= 10_000 for ratio in self.ratios.values()):
            raise InvalidInput(_("Give at least one type of enterprise a ratio above 0 and up to 100 %."))
        if set(self.ratios) - set(Organisation.Tier.values) or set(self.kinds) - set(Contract.Kind.values):
            raise InvalidInput(_("There is no such type of enterprise, or kind of contract."))
        named = Accelerator.objects.filter(pk__in=self.accelerators)
        if len(named) != len(set(self.accelerators)):
            raise InvalidInput(_("One of these accelerators is not in the catalogue."))
        if self.domestic_only and not all(each.domestic for each in named):
            raise InvalidInput(_("Name domestic accelerators only, or let the programme pay for others."))


@transaction.atomic
def write_programme(
    *, actor: Actor, rules: Rules, now: datetime.datetime, programme_id: int | None = None
) -> Programme:
    """Write a draft, or write one anew. Raises NotAllowed, InvalidInput, and ProgrammeRefused once opened."""
    issuer = _issuer_of(actor, Permission.RUN_PROGRAMMES)
    rules.check()
    fields = {
        "name_zh": rules.name_zh.strip(),
        "name_en": rules.name_en.strip(),
        "kinds": sorted(rules.kinds),
        "currency": rules.currency,
        "budget": rules.budget,
        "cap": rules.cap,
        "starts_at": rules.starts_at,
        "ends_at": rules.ends_at,
        "domestic_only": rules.domestic_only,
    }
    if programme_id is None:
        programme = Programme.objects.create(issuer=issuer, created_at=now, **fields)
    else:
        programme = _own_draft(issuer, programme_id)
        for name, value in fields.items():
            setattr(programme, name, value)
        programme.save()
        programme.tiers.all().delete()
        programme.accelerators.all().delete()
    ProgrammeTier.objects.bulk_create(
        ProgrammeTier(programme=programme, tier=tier, ratio_basis_points=ratio)
        for tier, ratio in rules.ratios.items()
    )
    ProgrammeAccelerator.objects.bulk_create(
        ProgrammeAccelerator(programme=programme, accelerator_id=pk) for pk in sorted(set(rules.accelerators))
    )
    record(actor=actor, verb="edit" if programme_id else "create", subject=programme, now=now)
    return programme


@transaction.atomic
def discard_programme(*, actor: Actor, programme_id: int, now: datetime.datetime) -> None:
    """Throw a draft away. Raises ProgrammeRefused once it was opened."""
    programme = _own_draft(_issuer_of(actor, Permission.RUN_PROGRAMMES), programme_id)
    record(actor=actor, verb="remove", subject=programme, now=now)
    programme.delete()


@transaction.atomic
def open_programme(*, actor: Actor, programme_id: int, now: datetime.datetime) -> Programme:
    """Move the budget into the programme's account; from here on its rules stand.

    Raises InsufficientFunds where the issuer has less available, and ProgrammeRefused.
    """
    issuer = _issuer_of(actor, Permission.MOVE_MONEY)
    require_verified(issuer)
    programme = _own_draft(issuer, programme_id)
    if programme.ends_at <= now:
        raise ProgrammeRefused(_("The programme's period is over: give it a later one."))
    currency = Currency(programme.currency)
    account = numbered_account(
        organisation=issuer, kind=AccountKind.PROGRAMME, number=programme.pk, currency=currency
    )
    available = open_accounts(organisation=issuer, currency=currency)[AccountKind.AVAILABLE]
    post_transfer(
        kind=TransferKind.PROGRAMME_FUNDED,
        source=PROGRAMME,
        source_id=str(programme.pk),
        postings=[Posting(available, -programme.budget), Posting(account, programme.budget)],
        memo=programme.name_en,
        now=now,
    )
    programme.status, programme.account_id, programme.opened_at = Programme.Status.OPEN, account, now
    programme.save()
    record(actor=actor, verb="open", subject=programme, detail={"fen": programme.budget}, now=now)
    return programme


@transaction.atomic
def close_programme(*, actor: Actor, programme_id: int, now: datetime.datetime) -> Programme:
    """Take no more applications and orders, and return what no order holds; the rest follows as it ends.

    Raises ProgrammeRefused unless it is open.
    """
    issuer = require(actor, Permission.MOVE_MONEY)
    own = Programme.objects.filter(issuer=issuer)
    programme: Programme = own.select_for_update(no_key=True).get(pk=programme_id)
    if not programme.is_open:
        raise ProgrammeRefused(_("Only an open programme can be closed."))
    list(programme.vouchers.order_by("pk").select_for_update(no_key=True))  # Nobody is placing an order.
    programme.status, programme.closed_at = Programme.Status.CLOSED, now
    programme.save()
    returned = _return_rest(programme, now)
    record(actor=actor, verb="close", subject=programme, detail={"fen": returned}, now=now)
    return programme


def return_rest_of_closed(*, now: datetime.datetime) -> int:
    """Give issuers what came back to the accounts of closed programmes; the fen returned."""
    closed = Programme.objects.filter(status=Programme.Status.CLOSED, account__balance__gt=0)
    return sum(_return_rest_of(pk, now) for pk in closed.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _return_rest_of(programme_id: int, now: datetime.datetime) -> int:
    return _return_rest(Programme.objects.select_for_update(no_key=True).get(pk=programme_id), now)


def _return_rest(programme: Programme, now: datetime.datetime) -> int:
    """The caller has locked the programme, so the number of returns before names this one."""
    assert programme.account_id is not None, "an open programme has its account"
    currency = Currency(programme.currency)
    available = open_accounts(organisation=programme.issuer, currency=currency)[AccountKind.AVAILABLE]
    both = Account.objects.filter(pk__in=[available, programme.account_id]).order_by("pk")
    balances = {each.pk: each.balance for each in both.select_for_update(no_key=True)}
    rest = balances[programme.account_id]
    if not rest:
        return 0
    before = Transfer.objects.filter(
        kind=TransferKind.PROGRAMME_CLOSED, source=PROGRAMME, source_id__startswith=f"{programme.pk}:"
    ).count()
    post_transfer(
        kind=TransferKind.PROGRAMME_CLOSED,
        source=PROGRAMME,
        source_id=f"{programme.pk}:{before + 1}",
        postings=[Posting(programme.account_id, -rest), Posting(available, rest)],
        memo=programme.name_en,
        now=now,
    )
    return rest


def _issuer_of(actor: Actor, permission: Permission) -> Organisation:
    issuer = require(actor, permission)
    if not is_issuer(issuer):
        raise ProgrammeRefused(
            _("Only a public body that the exchange has approved as an issuer runs programmes.")
        )
    return issuer


def _own_draft(issuer: Organisation, programme_id: int) -> Programme:
    """Locked. Raises Programme.DoesNotExist for another's, and ProgrammeRefused once it was opened."""
    own = Programme.objects.filter(issuer=issuer).select_for_update(no_key=True)
    programme: Programme = own.get(pk=programme_id)
    if not programme.is_draft:
        raise ProgrammeRefused(_("This programme is open: its rules stand."))
    return programme
