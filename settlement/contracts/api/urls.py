from django.urls import path

from settlement.contracts.api import views

urlpatterns = [
    path("contracts", views.ContractList.as_view()),
    path("contracts/<str:number>", views.ContractDetail.as_view()),
    path("contracts/<str:number>/document", views.ContractDocument.as_view()),
    path("contracts/<str:number>/pdf", views.ContractPdf.as_view()),
    path("keys", views.Keys.as_view()),
    path("agreement", views.Agreement.as_view()),
]
