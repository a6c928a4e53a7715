from django.urls import path

from settlement.payments.api import payouts, views

urlpatterns = [
    path("top-up", views.TopUp.as_view()),
    path("payouts", payouts.Payouts.as_view()),
    path("payouts/<int:pk>", payouts.PayoutDetail.as_view()),
    path("payout-account", payouts.OwnPayoutAccount.as_view()),
]
