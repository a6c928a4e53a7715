"""Invoices as their seller and their customer see them, what one's own invoices say, and fapiao."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.errors import DomainError, NotAllowed
from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest, PageRequest
from accounts.web import not_allowed, operator_required, organisation_required, refused_on, tell_refusal
from settlement.invoices.document import profile_of
from settlement.invoices.errors import BadInvoiceProfile
from settlement.invoices.filters import InvoiceFilter
from settlement.invoices.forms import FapiaoForm, ProfileForm
from settlement.invoices.models import Invoice
from settlement.invoices.operations import edit_invoice_profile, enter_fapiao, request_fapiao
from settlement.invoices.paper import LANGUAGES, download
from settlement.invoices.queries import (
    fapiao_of,
    invoices_of,
    lines_of,
    proof_of,
    waiting_fapiao,
    with_parties,
)

INVOICES_A_PAGE = 25
LINES_A_PAGE = 50


@require_GET
@organisation_required(Permission.SEE_MONEY)
def invoices(request: MemberRequest) -> HttpResponse:
    own = invoices_of(request.organisation)
    chosen = InvoiceFilter(request.GET, queryset=own, organisation=request.organisation)
    return render(
        request,
        "invoices/invoices.html",
        {
            "filter": chosen,
            "page": Paginator(chosen.qs, INVOICES_A_PAGE).get_page(request.GET.get("page")),
            "has_invoices": own.exists(),
        },
    )


@require_GET
@organisation_required(Permission.SEE_MONEY)
def invoice(request: MemberRequest, number: str) -> HttpResponse:
    return _invoice_page(request, _own(request, number))


@require_GET
@organisation_required(Permission.SEE_MONEY)
def document(request: MemberRequest, number: str) -> HttpResponse:
    """The canonical JSON, byte for byte as it was hashed."""
    shown = _own(request, number)
    response = HttpResponse(shown.document, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{shown.number}.json"'
    return response


@require_GET
@organisation_required(Permission.SEE_MONEY)
def pdf(request: MemberRequest, number: str) -> HttpResponse:
    """In the language in force, or the one that `?language=` names."""
    asked = request.GET.get("language", "")
    return download(_own(request, number), asked if asked in LANGUAGES else get_language() or "en")


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def ask_for_fapiao(request: MemberRequest, number: str) -> HttpResponse:
    asked = _own(request, number)
    with tell_refusal(request):
        request_fapiao(actor=request.actor, invoice=asked, now=timezone.now())
        messages.success(request, _("The seller is asked for the fapiao."))
    return redirect("invoices:invoice", asked.number)


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def enter(request: MemberRequest, number: str) -> HttpResponse:
    entered = _own(request, number)
    form = FapiaoForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            enter_fapiao(actor=request.actor, invoice=entered, **form.cleaned_data, now=timezone.now())
            messages.success(request, _("The fapiao's number is entered; the customer is told."))
            return redirect("invoices:invoice", entered.number)
    return _invoice_page(request, entered, form)


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.SEE_MONEY)
def profile(request: MemberRequest) -> HttpResponse:
    may_edit = Permission.MOVE_MONEY in permissions_of(request.actor)
    own = profile_of(request.organisation)
    form = ProfileForm(request.POST or None, instance=own)
    if request.method == "POST" and form.is_valid():
        try:
            edit_invoice_profile(actor=request.actor, details=form.details(), now=timezone.now())
        except NotAllowed as refusal:
            return not_allowed(request, refusal)
        except DomainError as refusal:
            form.add_error(refusal.field if isinstance(refusal, BadInvoiceProfile) else None, str(refusal))
        else:
            messages.success(request, _("Your next invoices say this."))
            return redirect("invoices:profile")
    return render(request, "invoices/profile.html", {"form": form, "profile": own, "may_edit": may_edit})


@require_http_methods(["GET", "POST"])
@operator_required
def operator_fapiao(request: PageRequest) -> HttpResponse:
    """Who waits for a fapiao; the platform's own are entered here, the one that `?invoice=` names."""
    form = FapiaoForm(request.POST or None)
    if request.method == "POST":
        entered = get_object_or_404(with_parties(Invoice.objects.all()), number=request.POST.get("invoice"))
        if form.is_valid():
            with refused_on(form):
                enter_fapiao(actor=request.actor, invoice=entered, **form.cleaned_data, now=timezone.now())
                messages.success(request, _("The fapiao's number is entered; the customer is told."))
                return redirect("invoices:operator_fapiao")
    waiting = waiting_fapiao()
    own = waiting.filter(invoice__seller=None)
    named = request.POST.get("invoice") or request.GET.get("invoice")
    return render(
        request,
        "invoices/operator_fapiao.html",
        {
            "form": form,
            "chosen": own.filter(invoice__number=named).first() if named else own.first(),
            "page": Paginator(waiting, LINES_A_PAGE).get_page(request.GET.get("page")),
        },
        status=422 if form.errors else 200,
    )


def _own(request: MemberRequest, number: str) -> Invoice:
    own = invoices_of(request.organisation).defer(None).defer("contract__document")
    return get_object_or_404(own, number=number)


def _invoice_page(request: MemberRequest, shown: Invoice, form: FapiaoForm | None = None) -> HttpResponse:
    fapiao = fapiao_of(shown)
    moves_money = Permission.MOVE_MONEY in permissions_of(request.actor)
    we_sell = shown.seller_id == request.organisation.pk
    waits = fapiao is not None and not fapiao.number
    return render(
        request,
        "invoices/invoice.html",
        {
            "invoice": shown,
            "lines": Paginator(lines_of(shown), LINES_A_PAGE).get_page(request.GET.get("page")),
            "credit_notes": shown.credit_notes.order_by("pk"),
            "proof": proof_of(shown),
            "fapiao": fapiao,
            "we_sell": we_sell,
            "may_ask": moves_money and fapiao is None and shown.customer_id == request.organisation.pk,
            "form": (form or FapiaoForm()) if we_sell and moves_money and waits else None,
        },
        status=422 if form is not None else 200,
    )
