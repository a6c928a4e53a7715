"""A firm applies, the issuer decides in writing; what it approves is a voucher, which it may revoke."""

import datetime
from collections.abc import Sequence
from pathlib import PurePath
from uuid import uuid4

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import Organisation, Role
from accounts.permissions import Permission, require, require_verified
from settlement.evidence import MOST_FILES, Upload, check_evidence
from settlement.letters import write_to
from settlement.money import show_yuan
from settlement.vouchers.errors import ProgrammeRefused
from settlement.vouchers.models import Application, ApplicationFile, Programme, Voucher
from settlement.vouchers.queries import committed, end_of_year, has_voucher, year_of

LONGEST = 10_000
RUNS_PROGRAMMES = [Role.OWNER, Role.FINANCE]
APPLIES = [Role.OWNER, Role.TRADER, Role.FINANCE]
APPLIED = gettext_noop("%(programme)s: %(firm)s applies for a voucher")
APPLIED_TEXT = gettext_noop("%(firm)s applies for %(amount)s.\n\nDecide on the programme's page.")
APPROVED = gettext_noop("%(programme)s: your voucher of %(amount)s")
APPROVED_TEXT = gettext_noop(
    "Your application was approved. The voucher pays its part of your orders until %(until)s:"
    " choose it when you place one.\n\n%(reasons)s"
)
REJECTED = gettext_noop("%(programme)s: your application was rejected")
REJECTED_TEXT = gettext_noop("The issuer's reasons:\n\n%(reasons)s")
REVOKED = gettext_noop("%(programme)s: your voucher was revoked")
REVOKED_TEXT = gettext_noop(
    "It pays for no further order; what it pays of orders placed before goes on. The issuer's reasons:"
    "\n\n%(reasons)s"
)


@transaction.atomic
def apply(
    *,
    actor: Actor,
    programme_id: int,
    amount: int,
    statement: str,
    affiliates_named: bool,
    now: datetime.datetime,
    files: Sequence[Upload] = (),
) -> Application:
    """Ask an open programme for a voucher of `amount` fen.

    Raises NotAllowed, NotVerified, InvalidInput, and ProgrammeRefused where the firm is not eligible, waits
    for a decision already, or has this year's voucher.
    """
    firm = require(actor, Permission.TRADE)
    require_verified(firm)
    programme = Programme.objects.select_for_update(no_key=True).get(pk=programme_id)
    _refuse_unless_eligible(programme, firm, now)
    if firm == programme.issuer:
        raise ProgrammeRefused(_("An issuer does not apply to its own programme."))
    if programme.applications.pending().filter(organisation=firm).exists():
        raise ProgrammeRefused(_("Your application waits for the issuer's decision."))
    if not 0 < amount <= programme.cap:
        raise InvalidInput(
            _("Apply for more than nothing and at most %(cap)s.") % {"cap": show_yuan(programme.cap)}
        )
    if not affiliates_named:
        raise InvalidInput(_("Name your affiliates first, then confirm that you have named them all."))
    _refuse_unless_written(statement)
    if len(files) > MOST_FILES:
        raise InvalidInput(_("Hand in ten files at most."))
    hashes = [check_evidence(file) for file in files]
    application = Application.objects.create(
        programme=programme,
        organisation=firm,
        amount=amount,
        statement=statement.strip(),
        submitted_by=actor.user,
        submitted_at=now,
    )
    for file, sha256 in zip(files, hashes, strict=True):
        name, size = PurePath(str(file.name)).name[:200], file.size or 0
        file.name = f"{uuid4()}{PurePath(name).suffix.lower()}"
        ApplicationFile.objects.create(
            application=application, file=file, name=name, size_bytes=size, sha256=sha256
        )
    record(actor=actor, verb="submit", subject=application, detail={"fen": amount}, now=now)
    write_to(
        organisation_id=programme.issuer_id,
        roles=RUNS_PROGRAMMES,
        subject=APPLIED,
        text=APPLIED_TEXT,
        values={"programme": programme.name_en, "firm": firm.name_en, "amount": show_yuan(amount)},
        now=now,
    )
    return application


@transaction.atomic
def approve(
    *, actor: Actor, application_id: int, amount: int, reasons: str, now: datetime.datetime
) -> Voucher:
    """Grant a voucher of `amount` fen, up to what was applied for, for this calendar year.

    Raises InvalidInput and ProgrammeRefused, also where the budget does not reach.
    """
    programme, application = _to_decide(actor, application_id, reasons)
    firm = application.organisation
    require_verified(firm)
    _refuse_unless_eligible(programme, firm, now)
    if not 0 < amount <= application.amount:
        raise InvalidInput(
            _("Grant more than nothing and at most the %(amount)s applied for.")
            % {"amount": show_yuan(application.amount)}
        )
    left = programme.budget - committed(programme, now=now)
    if amount > left:
        raise ProgrammeRefused(
            _("The budget has %(left)s that no voucher may use: grant less, or reject.")
            % {"left": show_yuan(left)}
        )
    _decide(application, Application.Status.APPROVED, actor, reasons, now)
    year = year_of(now)
    voucher = Voucher.objects.create(
        application=application,
        programme=programme,
        organisation=firm,
        jurisdiction=firm.jurisdiction,
        registration_number=firm.registration_number,
        year=year,
        amount=amount,
        issued_at=now,
        expires_at=min(programme.ends_at, end_of_year(year)),
    )
    _tell(voucher, APPROVED, APPROVED_TEXT, reasons, now)
    for party in (programme.issuer, firm):
        record(
            actor=actor,
            verb="approve",
            subject=application,
            organisation=party,
            detail={"fen": amount},
            now=now,
        )
    return voucher


@transaction.atomic
def reject(*, actor: Actor, application_id: int, reasons: str, now: datetime.datetime) -> Application:
    programme, application = _to_decide(actor, application_id, reasons)
    _decide(application, Application.Status.REJECTED, actor, reasons, now)
    write_to(
        organisation_id=application.organisation_id,
        roles=APPLIES,
        subject=REJECTED,
        text=REJECTED_TEXT,
        values={"programme": programme.name_en, "reasons": reasons.strip()},
        now=now,
    )
    for party in (programme.issuer, application.organisation):
        record(actor=actor, verb="reject", subject=application, organisation=party, now=now)
    return application


@transaction.atomic
def revoke(*, actor: Actor, voucher_id: int, reasons: str, now: datetime.datetime) -> Voucher:
    """End a voucher: what it holds for orders placed before stays. Raises ProgrammeRefused once revoked."""
    issuer = require(actor, Permission.RUN_PROGRAMMES)
    _refuse_unless_written(reasons)
    own = Voucher.objects.filter(programme__issuer=issuer).select_for_update(of=("self",))
    voucher: Voucher = own.select_related("programme__issuer", "organisation").get(pk=voucher_id)
    if voucher.revoked_at is not None:
        raise ProgrammeRefused(_("This voucher is revoked."))
    voucher.revoked_at, voucher.revoked_by, voucher.revoked_for = now, actor.user, reasons.strip()
    voucher.save()
    _tell(voucher, REVOKED, REVOKED_TEXT, reasons, now)
    for party in (voucher.programme.issuer, voucher.organisation):
        record(actor=actor, verb="revoke", subject=voucher, organisation=party, now=now)
    return voucher


def _to_decide(actor: Actor, application_id: int, reasons: str) -> tuple[Programme, Application]:
    """Both locked, the programme first, so that decisions share one budget."""
    issuer = require(actor, Permission.RUN_PROGRAMMES)
    _refuse_unless_written(reasons)
    own = Application.objects.filter(programme__issuer=issuer)
    programme_id = own.values_list("programme", flat=True).get(pk=application_id)
    programme = Programme.objects.select_for_update(no_key=True).get(pk=programme_id)
    locked = own.select_for_update(of=("self",)).select_related("organisation")
    application = locked.get(pk=application_id)
    if application.status != Application.Status.PENDING:
        raise ProgrammeRefused(_("This application is decided."))
    return programme, application


def _decide(
    application: Application,
    status: Application.Status,
    actor: Actor,
    reasons: str,
    now: datetime.datetime,
) -> None:
    application.status, application.reasons = status, reasons.strip()
    application.decided_by, application.decided_at = actor.user, now
    application.save()


def _refuse_unless_eligible(programme: Programme, firm: Organisation, now: datetime.datetime) -> None:
    if not programme.is_open or not programme.starts_at <= now < programme.ends_at:
        raise ProgrammeRefused(_("The programme takes no applications now."))
    if not programme.tiers.filter(tier=firm.tier).exists():
        raise ProgrammeRefused(
            _("The programme is not for this type of enterprise: %(tier)s.")
            % {"tier": firm.get_tier_display()}
        )
    year = year_of(now)
    if has_voucher(programme, firm, year=year):
        raise ProgrammeRefused(_("This firm has its voucher of %(year)s already.") % {"year": year})


def _refuse_unless_written(text: str) -> None:
    if not text.strip() or len(text) > LONGEST:
        raise InvalidInput(_("Write between one and ten thousand characters."))


def _tell(voucher: Voucher, subject: str, text: str, reasons: str, now: datetime.datetime) -> None:
    write_to(
        organisation_id=voucher.organisation_id,
        roles=APPLIES,
        subject=subject,
        text=text,
        values={
            "programme": voucher.programme.name_en,
            "amount": show_yuan(voucher.amount),
            "until": f"{voucher.expires_at:%Y-%m-%d %H:%M} UTC",
            "reasons": reasons.strip(),
        },
        now=now,
    )
