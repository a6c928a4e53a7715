"""Pages that anyone may read: algorithms, accelerators, facilities."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from listings.cards import render_card
from listings.filters import AlgorithmFilter
from listings.models import Accelerator, Facility
from listings.queries import listed_algorithms, plans_on_sale

ALGORITHMS_A_PAGE = 24


@require_GET
def algorithms(request: HttpRequest) -> HttpResponse:
    algorithm_filter = AlgorithmFilter(request.GET, queryset=listed_algorithms())
    found = algorithm_filter.qs.prefetch_related("versions")
    return render(
        request,
        "listings/algorithms.html",
        {
            "filter": algorithm_filter,
            "page": Paginator(found, ALGORITHMS_A_PAGE).get_page(request.GET.get("page")),
        },
    )


@require_GET
def algorithm(request: HttpRequest, slug: str) -> HttpResponse:
    shown = get_object_or_404(listed_algorithms(), slug=slug)
    return render(
        request,
        "listings/algorithm.html",
        {
            "algorithm": shown,
            "card": render_card(shown.card),
            "versions": shown.versions.prefetch_related("accelerators"),
            "plans": plans_on_sale(shown),
        },
    )


@require_GET
def accelerators(request: HttpRequest) -> HttpResponse:
    return render(request, "listings/accelerators.html", {"accelerators": Accelerator.objects.all()})


@require_GET
def facility(request: HttpRequest, facility_id: int) -> HttpResponse:
    shown = get_object_or_404(Facility.objects.select_related("provider"), pk=facility_id)
    pools = shown.pools.select_related("accelerator")
    return render(request, "listings/facility.html", {"facility": shown, "pools": pools})
