"""What an organisation has, and how it tops up."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.permissions import Permission
from accounts.requests import MemberRequest
from accounts.web import organisation_required
from settlement.ledger.models import Account, AccountKind, Currency
from settlement.ledger.queries import balance_of, currencies_of, statement
from settlement.payments import stripe_api
from settlement.payments.arrears import arrears_of
from settlement.payments.operations import top_up_reference
from settlement.payments.views.cards import card_top_up_form

LATEST = 10


@require_GET
@organisation_required(Permission.SEE_MONEY)
def balance(request: MemberRequest) -> HttpResponse:
    available = Account.objects.filter(
        organisation=request.organisation, kind=AccountKind.AVAILABLE, currency=Currency.CNY
    )
    lines = statement(accounts=available, since=None, until=None).lines
    return render(
        request,
        "payments/balance.html",
        {
            "balances": balance_of(request.organisation),
            "reference": top_up_reference(request.organisation),
            "bank": settings.TOP_UP_BANK,
            "latest": lines.reverse()[:LATEST],
            "arrears": arrears_of(request.organisation).items(),
            "cards_offered": stripe_api.is_configured(),
            "card_form": card_top_up_form(request),
            "other_currencies": [
                (currency, balance_of(request.organisation, currency))
                for currency in currencies_of(request.organisation)
                if currency != Currency.CNY
            ],
        },
    )
