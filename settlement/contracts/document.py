"""A contract's document: every term, in words and figures that stand by themselves."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Organisation
from listings.models import AlgorithmVersion, LicencePlan, Pool
from settlement.contracts.errors import ContractRefused
from settlement.contracts.models import Acceptance, Contract
from settlement.contracts.terms import compute_terms, licence_terms
from settlement.ledger.models import Account, Hold


@dataclass(frozen=True)
class ContractDraft:
    """What a trade says. Prices are fen per unit, one for each slot; `total` is what the buyer pays, in fen.

    `quantity` counts units of a pool, or seats of a licence plan; a licence has no hourly prices. Only what
    costs nothing may do without a hold. Drafts of one batch that share a `bundle` were bought together.
    """

    source: str
    kind: Contract.Kind
    buyer_id: int
    provider_id: int
    hold_id: int | None
    quantity: int
    starts_at: datetime.datetime
    ends_at: datetime.datetime | None
    total: int
    pool_id: int | None = None
    plan_id: int | None = None
    hourly_prices: Sequence[int] = ()
    terms: Mapping[str, Any] | None = None
    bundle: str = ""


@dataclass(frozen=True)
class ContractFunding:
    """A funder's part of a contract's total, in fen."""

    account_id: int
    amount: int


@dataclass(frozen=True)
class Catalogue:
    """What the drafts of one batch name: read once, described at the moment of contracting."""

    organisations: Mapping[int, Organisation]
    acceptances: Mapping[int, Acceptance]
    pools: Mapping[int, Pool]
    plans: Mapping[int, LicencePlan]
    holds: Mapping[int, Hold]
    funders: Mapping[int, Account]
    versions: Mapping[int, AlgorithmVersion]  # An algorithm's newest.

    @classmethod
    def of(
        cls, drafts: Sequence[ContractDraft], holds: Mapping[int, Hold], now: datetime.datetime
    ) -> "Catalogue":
        parties = {each.buyer_id for each in drafts} | {each.provider_id for each in drafts}
        pools = Pool.objects.select_related("facility", "accelerator")
        plans = LicencePlan.objects.select_related("algorithm")
        wanted = plans.in_bulk({each.plan_id for each in drafts if each.plan_id})
        accepted = Acceptance.objects.filter(organisation__in=parties).select_related("agreement", "user")
        released = AlgorithmVersion.objects.filter(
            algorithm__in={each.algorithm_id for each in wanted.values()}, released_at__lte=now
        )
        return cls(
            organisations=Organisation.objects.in_bulk(parties),
            acceptances={each.organisation_id: each for each in accepted.order_by("agreement__version")},
            pools=pools.in_bulk({each.pool_id for each in drafts if each.pool_id}),
            plans=wanted,
            versions={each.algorithm_id: each for each in released.order_by("released_at", "pk")},
            holds=holds,
            funders=Account.objects.select_related("organisation").in_bulk(
                {each.funder_account_id for each in holds.values() if each.funder_account_id}
            ),
        )

    def funding_of(self, draft: ContractDraft) -> ContractFunding | None:
        hold = self.holds[draft.hold_id] if draft.hold_id is not None else None
        if hold is None or hold.funder_account_id is None:
            return None
        share = hold.funded_share(draft.total)
        return ContractFunding(hold.funder_account_id, share) if share else None


def document_of(
    draft: ContractDraft,
    catalogue: Catalogue,
    *,
    number: str,
    fee_basis_points: int,
    previous_sha256: str,
    bundled: Sequence[str] = (),
    now: datetime.datetime,
) -> dict[str, Any]:
    """Every term. `bundled` names the other contracts of the draft's bundle. Raises ContractRefused."""
    return {
        "number": number,
        "kind": draft.kind.value,
        "source": draft.source,
        "opened_at": stamp(now),
        "buyer": _party(catalogue.organisations[draft.buyer_id]),
        "provider": _party(catalogue.organisations[draft.provider_id]),
        "product": _product(draft, catalogue),
        "quantity": draft.quantity,
        "starts_at": stamp(draft.starts_at),
        "ends_at": stamp(draft.ends_at) if draft.ends_at else None,
        "hourly_prices_fen": list(draft.hourly_prices),
        "total_fen": draft.total,
        "funding": _funding(catalogue.funding_of(draft), catalogue),
        "fee_basis_points": fee_basis_points,
        "agreement": _agreement(draft, catalogue),
        "bundle": {"name": draft.bundle, "with": list(bundled)} if draft.bundle else None,
        "terms": _terms(draft, catalogue) | dict(draft.terms or {}),
        "previous_sha256": previous_sha256,
    }


def stamp(moment: datetime.datetime) -> str:
    """RFC 3339 in UTC, to the second where it is a whole one."""
    return moment.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def _agreement(draft: ContractDraft, catalogue: Catalogue) -> dict[str, Any]:
    """Each party's acceptance; the older version of the two governs, as the agreement itself says."""
    accepted = {}
    for side, party in (("buyer", draft.buyer_id), ("provider", draft.provider_id)):
        if party not in catalogue.acceptances:
            raise ContractRefused(
                _("%(source)s: a party has not accepted the master agreement.") % {"source": draft.source}
            )
        accepted[side] = catalogue.acceptances[party]
    governing = min((each.agreement for each in accepted.values()), key=lambda each: each.version)
    return {
        "version": governing.version,
        "sha256": governing.sha256,
        **{
            f"accepted_by_{side}": {
                "version": each.agreement.version,
                "by": str(each.user),
                "at": stamp(each.accepted_at),
            }
            for side, each in accepted.items()
        },
    }


def _terms(draft: ContractDraft, catalogue: Catalogue) -> dict[str, Any]:
    if draft.pool_id is None:
        return licence_terms()
    facility = catalogue.pools[draft.pool_id].facility
    return compute_terms(catalogue.organisations[draft.buyer_id], facility)


def _party(organisation: Organisation) -> dict[str, Any]:
    return {
        "id": organisation.pk,
        "name_zh": organisation.name_zh,
        "name_en": organisation.name_en,
        "jurisdiction": organisation.jurisdiction,
        "registration_number": organisation.registration_number,
    }


def _funding(funding: ContractFunding | None, catalogue: Catalogue) -> dict[str, Any] | None:
    """Whose voucher bears how much of the total."""
    if funding is None:
        return None
    account = catalogue.funders[funding.account_id]
    assert account.organisation is not None, "a funder is an organisation"
    return {"funder": _party(account.organisation), "programme": account.shard, "funded_fen": funding.amount}


def _product(draft: ContractDraft, catalogue: Catalogue) -> dict[str, Any]:
    if draft.pool_id is not None:
        pool = catalogue.pools[draft.pool_id]
        return {
            "pool": pool.pk,
            "facility_zh": pool.facility.name_zh,
            "facility_en": pool.facility.name_en,
            "facility_kind": pool.facility.kind,
            "city": pool.facility.city,
            "jurisdiction": pool.facility.jurisdiction,
            "accelerator": str(pool.accelerator),
            "memory_gb": pool.accelerator.memory_gb,
        }
    assert draft.plan_id is not None
    plan = catalogue.plans[draft.plan_id]
    return {
        "plan": plan.pk,
        "algorithm_zh": plan.algorithm.name_zh,
        "algorithm_en": plan.algorithm.name_en,
        "version": _version(catalogue.versions.get(plan.algorithm_id)),
        "plan_name": plan.name,
        "plan_kind": plan.kind,
        "term_days": plan.term_days,
        "calls": plan.calls,
        "territory": plan.territory,
        "commercial": plan.commercial,
        "derivatives": plan.derivatives,
        "binding": plan.binding,
        "data_class": plan.algorithm.data_class,
    }


def _version(version: AlgorithmVersion | None) -> dict[str, Any] | None:
    """The release that is licensed; None where none was made yet."""
    if version is None:
        return None
    return {"number": version.number, "sha256": version.sha256, "size_bytes": version.size_bytes}
