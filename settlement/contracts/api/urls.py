from django.urls import path

from settlement.contracts.api import views

urlpatterns = [
    path("contracts", views.ContractList.as_view()),
    path("contracts/<str:number>", views.ContractDetail.as_view()),
]
