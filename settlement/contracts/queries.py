import datetime
import json
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organisation
from accounts.names import local_name
from settlement.canonical import sha256_of_text
from settlement.contracts.errors import NotAccepted
from settlement.contracts.models import Acceptance, Contract, MasterAgreement
from settlement.contracts.signing import Signature, verify
from settlement.money import half_even

BASIS_POINTS = 10_000
HOUR = datetime.timedelta(hours=1)


def most_it_can_cost(price_fen: int) -> int:
    """What a buyer's hold must cover for this price: no more today, since the provider bears the fee."""
    return price_fen


def fee_on(amount_fen: int, basis_points: int) -> int:
    """The platform's fee on one contract-hour, or on a licence: here alone a rate meets an amount."""
    return half_even(amount_fen * basis_points, BASIS_POINTS)


def contracts_of(organisation: Organisation) -> QuerySet[Contract]:
    """What an organisation may see: the contracts that it is a party to, newest first."""
    products = ("buyer", "provider", "pool__facility", "pool__accelerator", "plan__algorithm")
    return Contract.objects.of(organisation).select_related(*products).defer("document").order_by("-position")


def current_agreement() -> MasterAgreement | None:
    return MasterAgreement.objects.last()


def accepted_by(organisation: Organisation) -> Acceptance | None:
    """The newest version that the organisation accepted."""
    newest_first = Acceptance.objects.filter(organisation=organisation).order_by("-agreement__version")
    return newest_first.select_related("agreement", "user").first()


def bound_organisations(now: datetime.datetime) -> QuerySet[Acceptance, int]:
    """The ids of those that accepted a version which is valid: the current one, or one replaced of late."""
    return Acceptance.objects.filter(agreement__in=_valid_versions(now)).values_list(
        "organisation_id", flat=True
    )


def require_accepted(organisation: Organisation, *, now: datetime.datetime) -> None:
    """Raise NotAccepted unless the organisation accepted a valid version of the master agreement."""
    if not bound_organisations(now).filter(organisation=organisation).exists():
        raise NotAccepted(
            _(
                "%(organisation)s has not accepted the master agreement. An owner reads and accepts it under"
                " Organisation, Master agreement."
            )
            % {"organisation": local_name(organisation)}
        )


def _valid_versions(now: datetime.datetime) -> list[int]:
    newest_first = list(MasterAgreement.objects.order_by("-version"))
    grace = datetime.timedelta(days=settings.AGREEMENT_GRACE_DAYS)
    replaced_by = zip(newest_first[1:], newest_first, strict=False)
    return [each.pk for each in newest_first[:1]] + [
        older.pk for older, newer in replaced_by if now < newer.published_at + grace
    ]


def signed_payload(sha256: str) -> bytes:
    """What the platform signs: the words keep a contract's signature from holding for anything else."""
    return f"suanpan contract {sha256}".encode()


@dataclass(frozen=True)
class Proof:
    """What anybody may learn about a contract from its hash: that it stands as it was signed."""

    opened_at: datetime.datetime
    kid: str
    hash_holds: bool
    signature_holds: bool
    chain_holds: bool

    @property
    def holds(self) -> bool:
        return self.hash_holds and self.signature_holds and self.chain_holds


def proof_of(sha256: str) -> Proof | None:
    """Recompute the hash of the stored document and of the one before, and check the signature.

    None where no contract has this hash.
    """
    contract = Contract.objects.filter(sha256=sha256).first()
    if contract is None:
        return None
    kid = contract.signed_with_id or ""
    return Proof(
        opened_at=contract.opened_at,
        kid=kid,
        hash_holds=sha256_of_text(contract.document) == sha256,
        signature_holds=verify(signed_payload(sha256), Signature(kid, contract.signature)),
        chain_holds=_follows_the_one_before(contract),
    )


def _follows_the_one_before(contract: Contract) -> bool:
    """Whether the document names the contract before, and that one has the hash that it names."""
    try:
        named: str | None = json.loads(contract.document).get("previous_sha256")
    except ValueError:
        return False
    earlier = Contract.objects.filter(position__lt=contract.position).order_by("-position")
    before: Contract | None = earlier.first()
    link = "" if before is None else sha256_of_text(before.document)
    if before is not None and before.sha256 != link:
        return False
    return named == link and bool(contract.previous_sha256 == link)


@dataclass(frozen=True)
class ContractHour:
    """One slot of a compute contract; amounts in fen, the fee being the provider's."""

    slot: datetime.datetime
    price: int
    amount: int
    fee: int
    settled: bool


def hours_of(contract: Contract) -> list[ContractHour]:
    hours = []
    for number, price in enumerate(contract.hourly_prices):
        slot = contract.starts_at + number * HOUR
        amount = contract.quantity * price
        fee = fee_on(amount, contract.fee_basis_points)
        hours.append(ContractHour(slot, price, amount, fee, settled=slot < contract.settled_until))
    return hours
