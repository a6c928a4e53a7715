from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.requests import PageRequest
from accounts.web import operator_required
from marketplace.trading.filters import RoundFilter
from marketplace.trading.models import Order, Round
from marketplace.trading.queries.market import open_round

ROUNDS_A_PAGE = 25


@require_GET
@operator_required
def rounds(request: PageRequest) -> HttpResponse:
    """Every round with its state, and what went wrong where something did."""
    every = Round.objects.defer("book", "result").order_by("-pk")
    round_filter = RoundFilter(request.GET, queryset=every)
    return render(
        request,
        "operator/rounds.html",
        {
            "filter": round_filter,
            "page": Paginator(round_filter.qs, ROUNDS_A_PAGE).get_page(request.GET.get("page")),
            "open_round": open_round(),
            "resting": Order.objects.resting().count(),
            "unfinished": Round.objects.unfinished().count(),
            "failed": Round.objects.filter(status=Round.Status.FAILED).count(),
        },
    )
