import datetime
from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import Organisation
from settlement.contracts.models import Contract
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
