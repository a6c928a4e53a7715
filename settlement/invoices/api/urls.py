from django.urls import path

from settlement.invoices.api import views

urlpatterns = [
    path("invoices", views.InvoiceList.as_view()),
    path("invoices/<str:number>", views.InvoiceDetail.as_view()),
    path("invoices/<str:number>/pdf", views.InvoicePdf.as_view()),
    path("invoices/<str:number>/fapiao", views.InvoiceFapiao.as_view()),
    path("invoice-profile", views.Profile.as_view()),
    path("monthly-statement", views.MonthlyStatement.as_view()),
    path("costs/focus.csv", views.FocusCosts.as_view()),
]
