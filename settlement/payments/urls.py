from django.urls import path

from settlement.payments import views

app_name = "payments"
urlpatterns = [
    path("balance/", views.balance, name="balance"),
    path("operator/bank/", views.bank_lines, name="bank_lines"),
    path("operator/bank/<int:bank_line_id>/", views.bank_line, name="bank_line"),
]
