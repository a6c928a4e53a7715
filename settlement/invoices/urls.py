from django.urls import path

from settlement.invoices.views import invoices, statements

app_name = "invoices"
urlpatterns = [
    path("invoices/", invoices.invoices, name="invoices"),
    path("invoices/profile/", invoices.profile, name="profile"),
    path("invoices/statements/", statements.statements, name="statements"),
    path("invoices/statements/statement.csv", statements.statement_csv, name="statement_csv"),
    path("invoices/costs/", statements.costs, name="costs"),
    path("invoices/costs/focus.csv", statements.costs_csv, name="costs_csv"),
    path("invoices/<str:number>/", invoices.invoice, name="invoice"),
    path("invoices/<str:number>/invoice.pdf", invoices.pdf, name="pdf"),
    path("invoices/<str:number>/invoice.json", invoices.document, name="document"),
    path("invoices/<str:number>/fapiao/", invoices.enter, name="enter_fapiao"),
    path("invoices/<str:number>/fapiao/request/", invoices.ask_for_fapiao, name="request_fapiao"),
    path("operator/fapiao/", invoices.operator_fapiao, name="operator_fapiao"),
]
