from django.urls import path

from settlement.vouchers.api import views

urlpatterns = [
    path("vouchers", views.Vouchers.as_view()),
    path("voucher-programmes", views.ProgrammeList.as_view()),
    path("voucher-programmes/<int:pk>/report", views.ProgrammeReport.as_view()),
    path("voucher-applications", views.Applications.as_view()),
]
