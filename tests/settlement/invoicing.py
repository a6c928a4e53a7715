"""What the tests of invoices share: a mainland provider's contracts, metered, paid and invoiced."""

import datetime

from accounts.models import Jurisdiction, Organisation
from listings.models import Pool
from settlement.contracts.models import Contract
from settlement.contracts.operations import open_contracts
from settlement.delivery.operations import release
from settlement.invoices.models import InvoiceProfile
from tests.factories.listings import PoolFactory
from tests.factories.settlement import HOUR, compute_draft, fund, meter

START = datetime.datetime(2026, 6, 1, 5, 0, tzinfo=datetime.UTC)
JULY = datetime.datetime(2026, 6, 30, 16, 0, tzinfo=datetime.UTC)  # Midnight in Shanghai.
AUGUST = datetime.datetime(2026, 7, 31, 16, 0, tzinfo=datetime.UTC)


def mainland(organisation: Organisation) -> Organisation:
    organisation.jurisdiction = Jurisdiction.MAINLAND
    organisation.save()
    return organisation


def by_contract(organisation: Organisation) -> None:
    cycle = InvoiceProfile.Cycle.CONTRACT
    InvoiceProfile.objects.create(
        organisation=organisation, title=organisation.name_zh, tax_number="1", cycle=cycle
    )


def opened(
    buyer: Organisation,
    provider: Organisation,
    *,
    number: int = 1,
    prices: tuple[int, ...] = (1000, 1200, 900),
    pool: Pool | None = None,
) -> Contract:
    """Two units from 05:00; by default three hours of 2,000, 2,400 and 1,800 fen."""
    fund(buyer, 2 * sum(prices))
    pool = pool or PoolFactory(facility__provider=provider)
    now = START - HOUR
    draft = compute_draft(buyer, pool, now=now, number=number, prices=prices)
    [contract] = open_contracts(drafts=[draft], now=now)
    return contract


def paid(contract: Contract, *, hours: int = 3, seconds: int | None = None) -> None:
    """The first hours metered, and settled hour by hour, as the beat does."""
    for count in range(1, hours + 1):
        meter(contract, now=START + count * HOUR, seconds=seconds)
        release(now=START + count * HOUR)


def corrected(contract: Contract, *, seconds: int, now: datetime.datetime, revision: int = 1) -> None:
    """A late reading shows that every hour fell short."""
    meter(contract, now=now, seconds=seconds, revision=revision)
    release(now=now)
