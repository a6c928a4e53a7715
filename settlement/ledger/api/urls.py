from django.urls import path

from settlement.ledger.api import views

urlpatterns = [
    path("balance", views.Balance.as_view()),
    path("balances", views.AllBalances.as_view()),
    path("statement", views.Statement.as_view()),
]
