from django.urls import path

from settlement.ledger import views

app_name = "ledger"
urlpatterns = [
    path("balance/statement/", views.statement, name="statement"),
    path("balance/statement.csv", views.statement_csv, name="statement_csv"),
]
