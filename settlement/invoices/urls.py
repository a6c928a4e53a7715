from django.urls import path

from settlement.invoices import views

app_name = "invoices"
urlpatterns = [
    path("invoices/", views.invoices, name="invoices"),
    path("invoices/profile/", views.profile, name="profile"),
    path("invoices/statements/", views.statements, name="statements"),
    path("invoices/statements/statement.csv", views.statement_csv, name="statement_csv"),
    path("invoices/costs/", views.costs, name="costs"),
    path("invoices/costs/focus.csv", views.costs_csv, name="costs_csv"),
    path("invoices/<str:number>/", views.invoice, name="invoice"),
    path("invoices/<str:number>/invoice.pdf", views.pdf, name="pdf"),
    path("invoices/<str:number>/invoice.json", views.document, name="document"),
    path("invoices/<str:number>/fapiao/", views.enter, name="enter_fapiao"),
    path("invoices/<str:number>/fapiao/request/", views.ask_for_fapiao, name="request_fapiao"),
    path("operator/fapiao/", views.operator_fapiao, name="operator_fapiao"),
]
