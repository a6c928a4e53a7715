from django.urls import path

from settlement.contracts import views

app_name = "contracts"
urlpatterns = [
    path("contracts/", views.contracts, name="contracts"),
    path("contracts/<str:number>/", views.contract, name="contract"),
    path("contracts/<str:number>/document.json", views.document, name="document"),
    path("verify/<str:sha256>/", views.verify, name="verify"),
    path(".well-known/suanpan-keys.json", views.keys, name="keys"),
]
