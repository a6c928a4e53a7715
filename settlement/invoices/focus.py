"""A buyer's costs in the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification.

One row per contract-hour, or per payment where it covered several hours that cannot be told apart, and per
document where a credit is split over several. Costs are CNY, VAT included, as prices on the exchange are.
See https://focus.finops.org/focus-specification/v1-2/.
"""

import csv
import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from accounts.models import Organisation
from settlement.contracts.models import Contract
from settlement.contracts.queries import HOUR
from settlement.invoices import vat
from settlement.invoices.models import Charge, Invoice, InvoiceItem
from settlement.invoices.period import local_day, month_after, month_of, start_of
from settlement.invoices.queries import costs_of
from settlement.ledger.models import TransferKind
from settlement.money import to_yuan
from settlement.spreadsheet import Echo, plain

CHUNK = 2000

COLUMNS = (
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    "x_ContractNumber",
    "x_LedgerTransfer",
    "x_VatBasisPoints",
)
Row = dict[str, Any]


def focus_csv(
    organisation: Organisation, *, since: datetime.datetime, until: datetime.datetime
) -> Iterator[str]:
    """The file, line by line: it is never in memory whole."""
    writer = csv.DictWriter(Echo(), COLUMNS, restval="")
    yield writer.writerow(dict(zip(COLUMNS, COLUMNS, strict=True)))
    for row in focus_rows(organisation, since=since, until=until):
        yield writer.writerow(row)


def focus_rows(
    organisation: Organisation, *, since: datetime.datetime, until: datetime.datetime
) -> Iterator[Row]:
    """Each row names its columns; one that it leaves out is null."""
    charges = costs_of(organisation, since=since, until=until).prefetch_related(
        Prefetch("items", _items(), to_attr="supply_items")
    )
    for charge in charges.iterator(chunk_size=CHUNK):
        common = _common(charge)
        items: Sequence[InvoiceItem | None] = charge.supply_items
        for item in items or [None]:
            for row in _rows(charge, item):
                yield common | row


def _items() -> QuerySet[InvoiceItem]:
    items = InvoiceItem.objects.filter(kind=Invoice.Kind.SUPPLY).order_by("part")
    return items.select_related("line__invoice").defer("line__invoice__document")


def _rows(charge: Charge, item: InvoiceItem | None) -> Iterator[Row]:
    invoice = item.line.invoice if item else None
    named = {"InvoiceId": invoice.number if invoice else ""}
    if charge.supply < 0:
        yield named | _credit(charge, item)
    elif charge.contract.kind == Contract.Kind.LICENCE:
        yield named | _purchase(charge)
    else:
        for row in _usage(charge):
            yield named | row


def _credit(charge: Charge, item: InvoiceItem | None) -> Row:
    cost = to_yuan(item.amount if item else charge.supply)
    corrects = item is not None and item.line.corrects_id is not None
    return {
        "ChargeCategory": "Credit",
        "ChargeClass": "Correction" if corrects else "",
        "ChargeDescription": f"{TransferKind(charge.kind).name.replace('_', ' ').capitalize()}: given back",
        "ChargeFrequency": "One-Time",
        **_costs(cost, cost),
    }


def _purchase(charge: Charge) -> Row:
    contract = charge.contract
    cost = to_yuan(charge.supply)
    seats = Decimal(contract.quantity)
    price = to_yuan(contract.total) / seats
    return {
        "ChargeCategory": "Purchase",
        "ChargeDescription": f"Licence, {_counted(contract.quantity, 'seat')}",
        "ChargeFrequency": "One-Time",
        "PricingCategory": "Standard",
        "PricingQuantity": contract.quantity,
        "PricingUnit": "Seats",
        **_costs(cost, price * seats, price),
    }


def _usage(charge: Charge) -> Iterator[Row]:
    """A row an hour, where each hour's cost is known; else one for the whole payment."""
    contract, hours = charge.contract, (charge.ends_at - charge.starts_at) // HOUR
    first = (charge.starts_at - contract.starts_at) // HOUR
    prices = contract.hourly_prices[first : first + hours]
    paid = [price * contract.quantity for price in prices]
    if not charge.hours:
        yield _adjustment(charge)
    elif hours == 1:
        yield _hour(charge, charge.starts_at, prices[0], charge.supply)
    elif hours == charge.hours and charge.ends_at <= charge.posted_at and sum(paid) == charge.supply:
        for number, (price, amount) in enumerate(zip(prices, paid, strict=True)):
            yield _hour(charge, charge.starts_at + number * HOUR, price, amount)
    else:
        yield _run(charge)


def _hour(charge: Charge, slot: datetime.datetime, price: int, paid: int) -> Row:
    """Full price where contracted, what was paid where billed: between them stands what was credited."""
    units = charge.contract.quantity
    return {
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{_counted(units, 'unit')} for one hour",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": _moment(slot),
        "ChargePeriodEnd": _moment(slot + HOUR),
        "ConsumedQuantity": units,
        "ConsumedUnit": "Unit-Hours",
        "PricingCategory": "Dynamic",
        "PricingQuantity": units,
        "PricingUnit": "Unit-Hours",
        **_costs(to_yuan(paid), to_yuan(price * units), to_yuan(price)),
    }


def _run(charge: Charge) -> Row:
    cost = to_yuan(charge.supply)
    units = charge.contract.quantity
    return {
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{_counted(units, 'unit')} for {charge.hours} hours, paid together",
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": units * charge.hours,
        "ConsumedUnit": "Unit-Hours",
        "PricingCategory": "Dynamic",
        "PricingQuantity": 1,
        "PricingUnit": "Payments",
        **_costs(cost, cost, cost),
    }


def _adjustment(charge: Charge) -> Row:
    """Paid for no hour: a break fee."""
    cost = to_yuan(charge.supply)
    return {
        "ChargeCategory": "Adjustment",
        "ChargeDescription": "Break fee for hours that are not delivered",
        "ChargeFrequency": "One-Time",
        **_costs(cost, cost),
    }


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _costs(billed: Decimal, contracted: Decimal, price: Decimal | str = "") -> Row:
    """The market's price is the list price: nobody is offered another."""
    return {
        "BilledCost": billed,
        "EffectiveCost": billed,
        "ContractedCost": contracted,
        "ListCost": contracted,
        "ContractedUnitPrice": price,
        "ListUnitPrice": price,
    }


def _common(charge: Charge) -> Row:
    contract, month = charge.contract, month_of(charge.posted_at)
    return {
        "BillingAccountId": f"organisation-{charge.buyer_id}",
        "BillingAccountName": plain(charge.buyer.name_en),
        "BillingAccountType": "Organisation",
        "BillingCurrency": "CNY",
        "BillingPeriodStart": _moment(start_of(month)),
        "BillingPeriodEnd": _moment(start_of(month_after(month))),
        "ChargePeriodStart": _moment(charge.starts_at),
        "ChargePeriodEnd": _moment(charge.ends_at),
        "InvoiceIssuerName": settings.INVOICE_ISSUER["name_en"],
        "PricingCurrency": "CNY",
        "ProviderName": settings.INVOICE_ISSUER["name_en"],
        "PublisherName": plain(charge.provider.name_en),
        "ResourceId": contract.number,
        "x_ContractNumber": contract.number,
        "x_LedgerTransfer": charge.transfer_id,
        "x_VatBasisPoints": vat.rate_on(charge.provider.jurisdiction, local_day(charge.posted_at)),
        **_product(contract),
    }


def _product(contract: Contract) -> Mapping[str, Any]:
    if contract.pool is not None:
        pool = contract.pool
        facility = pool.facility
        return {
            "AvailabilityZone": f"facility-{facility.pk}",
            "RegionId": f"{facility.jurisdiction}/{facility.city}".lower().replace(" ", "-"),
            "RegionName": plain(facility.city),
            "ResourceName": plain(f"{contract.quantity} x {pool.accelerator}, {facility.name_en}"),
            "ResourceType": "Accelerator units",
            "ServiceCategory": "Compute",
            "ServiceSubcategory": "Other (Compute)",
            "ServiceName": "Compute",
            "SkuId": f"pool-{pool.pk}",
            "SkuMeter": "Unit-hours",
            "SkuPriceId": f"pool-{pool.pk}/{contract.number}",
            "SkuPriceDetails": json.dumps({"x_Accelerator": str(pool.accelerator)}, ensure_ascii=False),
            "Tags": json.dumps({"suanpan/contract": contract.number}),
        }
    assert contract.plan is not None
    plan = contract.plan
    return {
        "ResourceName": plain(f"{plan.algorithm.name_en}, {plan.name}"),
        "ResourceType": "Licence",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Other (AI and Machine Learning)",
        "ServiceName": "Algorithms",
        "SkuId": f"plan-{plan.pk}",
        "SkuMeter": "Seats",
        "SkuPriceId": f"plan-{plan.pk}/{contract.number}",
        "SkuPriceDetails": json.dumps({"x_LicenceKind": plan.kind}),
        "Tags": json.dumps({"suanpan/contract": contract.number}),
    }


def _moment(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
