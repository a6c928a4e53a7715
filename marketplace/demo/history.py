"""The day before the demo opens: one round, its contracts delivered, metered, credited, paid and invoiced."""

from datetime import datetime, timedelta
from pathlib import Path

from accounts.models import Organisation
from marketplace.demo.agent import report_closed_hours
from marketplace.demo.market import Market, actor_for, ensure_market, place_demand
from marketplace.trading.models import Round
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.run_round import run_round
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


def play_yesterday(*, now: datetime) -> None:
    """On a market that has no round yet, clear one as of a day ago and settle what was delivered since."""
    if Round.objects.settled().exists():
        return
    yesterday = now - DAY
    market = ensure_market(now=yesterday)
    _ask_for_invoices_by_contract(market, yesterday)
    place_demand(market, count=BIDS, seed=int(yesterday.timestamp()), now=yesterday)
    run_round(round_id=open_round(now=yesterday).pk, now=yesterday)
    report_closed_hours(now=now)
    release(now=now)
    while seal_transfers():
        pass
    issue_contract_invoices(now=now)


def show_one(*, folder: Path) -> str:
    """A contract that was delivered and invoiced, in words, its papers written into `folder`."""
    invoices = Invoice.objects.filter(kind=Invoice.Kind.SUPPLY, contract__kind=Contract.Kind.COMPUTE)
    credited = invoices.filter(contract__deliveries__credit__gt=0).order_by("-gross")
    shown = credited.first() or invoices.first()
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
