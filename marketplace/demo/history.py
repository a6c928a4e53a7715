"""The day before the demo opens: one round, its contracts delivered, metered, credited, paid and invoiced."""

from datetime import datetime, timedelta
from pathlib import Path

from accounts.models import Organisation
from listings.models import Accelerator, Hub, LicencePlan
from listings.slots import SLOT, slot_of
from marketplace.demo.agent import report_closed_hours
from marketplace.demo.market import BUYER, Market, actor_for, ensure_market, place_demand
from marketplace.demo.vouchers import voucher_for
from marketplace.trading.horizon import next_gate
from marketplace.trading.models import Round
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.place_bid import place_bid
from marketplace.trading.operations.place_licence_order import place_licence_order
from marketplace.trading.operations.run_round import run_round
from marketplace.trading.terms import BidTerms
from settlement.contracts.models import Contract
from settlement.contracts.pdf import contract_pdf
from settlement.delivery.models import Delivery
from settlement.delivery.operations import release
from settlement.invoices.models import Invoice, InvoiceProfile
from settlement.invoices.operations import ProfileDetails, edit_invoice_profile, issue_contract_invoices
from settlement.invoices.paper import invoice_pdf
from settlement.invoices.queries import fapiao_of
from settlement.ledger.operations import seal_transfers
from settlement.money import show_yuan

DAY = timedelta(days=1)
BIDS = 240
# At the Greater Bay hub, the first provider alone has it.
OURS, OUR_UNITS, OUR_HOURS, OUR_LIMIT = "huawei-ascend-910c", 8, 6, 1600


def play_yesterday(*, now: datetime) -> None:
    """On a market that has no round yet, clear one as of a day ago and settle what was delivered since."""
    if Round.objects.settled().exists():
        return
    yesterday = now - DAY
    market = ensure_market(now=yesterday)
    _ask_for_invoices_by_contract(market, yesterday)
    place_demand(market, count=BIDS, seed=int(yesterday.timestamp()), now=yesterday)
    _trade_between_the_logins(market, yesterday)
    run_round(round_id=open_round(now=yesterday).pk, now=yesterday)
    report_closed_hours(now=now)
    release(now=now)
    while seal_transfers():
        pass
    issue_contract_invoices(now=now)
    Round.objects.filter(status=Round.Status.OPEN).update(gate_at=next_gate(now))


def show_one(*, folder: Path) -> str:
    """A contract that was delivered and invoiced, in words, its papers written into `folder`."""
    invoices = Invoice.objects.filter(kind=Invoice.Kind.SUPPLY, contract__kind=Contract.Kind.COMPUTE)
    credited = invoices.filter(contract__deliveries__credit__gt=0).order_by("-gross")
    of_the_login = credited.filter(customer__members__user__email=BUYER)
    shown = of_the_login.first() or credited.first() or invoices.first()
    if shown is None or shown.contract is None:
        return "No contract was delivered and invoiced yet: its last hour has to pass first."
    contract = shown.contract
    hours = Delivery.objects.filter(contract=contract)
    back = sum(hours.values_list("credit", flat=True))
    papers = {
        f"{contract.number}.zh.pdf": contract_pdf(contract, language="zh"),
        f"{contract.number}.en.pdf": contract_pdf(contract, language="en"),
        f"{shown.number}.zh.pdf": invoice_pdf(shown, fapiao_of(shown), language="zh"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, paper in papers.items():
        (folder / name).write_bytes(paper)
    lines = [
        ("delivered", f"{hours.count()} hours x {contract.quantity} units, all of them metered"),
        ("credited", f"{show_yuan(back)} of {show_yuan(contract.total)} back to the buyer"),
        ("invoiced", f"{shown.number}, {show_yuan(shown.gross)}"),
        ("papers", ", ".join(str(folder / name) for name in papers)),
    ]
    return "\n".join([f"Contract {contract.number}", *(f"  {name:26}{value}" for name, value in lines)])


def _trade_between_the_logins(market: Market, now: datetime) -> None:
    """Have the first buyer, whose login is printed, buy hours and a licence of the first provider."""
    buyer, provider, soonest = market.buyers[0], market.providers[0], slot_of(now) + SLOT
    terms = BidTerms(
        quantity=OUR_UNITS,
        hours=OUR_HOURS,
        window_start=soonest,
        window_end=soonest + 2 * OUR_HOURS * SLOT,
        hubs=(Hub.GREATER_BAY.value,),
        accelerators={Accelerator.objects.get(slug=OURS).pk: OUR_LIMIT},
    )
    voucher = voucher_for(buyer, most=terms.most_it_costs, now=now)
    place_bid(actor=actor_for(buyer), terms=terms, voucher_id=voucher, now=now)
    plan = LicencePlan.objects.filter(algorithm__publisher=provider, supply=None).earliest("pk")
    place_licence_order(actor=actor_for(buyer), plan=plan, seats=2, limit_price=plan.price, now=now)


def _ask_for_invoices_by_contract(market: Market, now: datetime) -> None:
    for buyer in market.buyers:
        if not InvoiceProfile.objects.filter(organisation=buyer).exists():
            edit_invoice_profile(actor=actor_for(buyer), details=_profile(buyer), now=now)


def _profile(buyer: Organisation) -> ProfileDetails:
    return ProfileDetails(
        title=buyer.name_zh,
        tax_number=buyer.registration_number,
        kind=InvoiceProfile.Kind.SPECIAL,
        address="广东省深圳市",
        phone="0755-00000000",
        bank="示例银行深圳分行",
        bank_account="0000000000000000",
        email="",
        cycle=InvoiceProfile.Cycle.CONTRACT,
    )
