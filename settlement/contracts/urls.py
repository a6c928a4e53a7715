from django.urls import path

from settlement.contracts.views import agreements
from settlement.contracts.views import contracts as views

app_name = "contracts"
urlpatterns = [
    path("contracts/", views.contracts, name="contracts"),
    path("contracts/<str:number>/", views.contract, name="contract"),
    path("contracts/<str:number>/document.json", views.document, name="document"),
    path("contracts/<str:number>/pdf", views.pdf, name="pdf"),
    path("agreement/", agreements.agreement, name="agreement"),
    path("agreement/accept/", agreements.accept, name="accept_agreement"),
    path("agreement/<int:version>/", agreements.agreement, name="agreement_version"),
    path("agreement/<int:version>/<str:language>.md", agreements.text, name="agreement_text"),
    path("verify/<str:sha256>/", views.verify, name="verify"),
    path(".well-known/suanpan-keys.json", views.keys, name="keys"),
]
