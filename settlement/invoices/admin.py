from django.contrib import admin

from accounts.admin_site import ReadOnlyAdmin
from settlement.invoices.models import FapiaoRequest, Invoice, InvoiceProfile


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    list_display = ["number", "kind", "seller", "customer", "gross", "tax", "issued_at"]
    list_filter = ["series", "kind"]
    list_select_related = ["seller", "customer"]
    search_fields = ["number"]


@admin.register(InvoiceProfile)
class InvoiceProfileAdmin(ReadOnlyAdmin):
    list_display = ["organisation", "title", "tax_number", "kind", "cycle"]
    list_select_related = ["organisation"]
    search_fields = ["title", "tax_number"]


@admin.register(FapiaoRequest)
class FapiaoRequestAdmin(ReadOnlyAdmin):
    list_display = ["invoice", "status", "number", "issued_on", "requested_at"]
    list_filter = ["status"]
    list_select_related = ["invoice"]
