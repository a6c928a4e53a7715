from django.contrib import admin
from django.urls import include, path

handler500 = "marketplace.api.fault"

urlpatterns = [
    path("account/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("marketplace.api")),
    # Each package names its own prefixes, among them its pages under /operator/.
    path("", include("accounts.urls")),
    path("", include("listings.urls")),
    path("", include("marketplace.trading.urls")),
    path("", include("settlement.contracts.urls")),
    path("", include("settlement.delivery.urls")),
    path("", include("settlement.ledger.urls")),
    path("", include("settlement.payments.urls")),
    path("", include("settlement.invoices.urls")),
    path("", include("settlement.licences.urls")),
    path("", include("settlement.vouchers.urls")),
]
