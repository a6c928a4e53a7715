from django.urls import path, re_path

from settlement.payments import (
    payout_operator_views,
    payout_views,
    reconciliation_views,
    stripe_views,
    views,
)

app_name = "payments"
urlpatterns = [
    path("balance/", views.balance, name="balance"),
    path("operator/bank/", views.bank_lines, name="bank_lines"),
    path("operator/bank/<int:bank_line_id>/", views.bank_line, name="bank_line"),
    path("balance/payouts/", payout_views.payouts, name="payouts"),
    path("balance/payouts/ask/", payout_views.ask, name="ask_payout"),
    path("balance/payouts/schedule/", payout_views.schedule, name="payout_schedule"),
    path("balance/payouts/account/", payout_views.new_account, name="new_payout_account"),
    re_path(
        r"^balance/payouts/account/(?P<account_id>[0-9]+)/(?P<verb>approve|refuse)/$",
        payout_views.decide_account,
        name="decide_payout_account",
    ),
    path("operator/payouts/", payout_operator_views.payouts, name="operator_payouts"),
    path("operator/payouts/collect/", payout_operator_views.collect, name="collect_payouts"),
    path("operator/payouts/<int:payout_id>/", payout_operator_views.payout, name="payout"),
    path("operator/payouts/files/<int:file_id>/", payout_operator_views.payout_file, name="payout_file"),
    re_path(
        r"^operator/payouts/files/(?P<file_id>[0-9]+)/(?P<verb>approve|refuse)/$",
        payout_operator_views.decide_file,
        name="decide_payout_file",
    ),
    path(
        "operator/payouts/files/<int:file_id>/download/",
        payout_operator_views.download,
        name="download_payout_file",
    ),
    re_path(
        r"^operator/payouts/accounts/(?P<account_id>[0-9]+)/(?P<verb>approve|refuse)/$",
        payout_operator_views.decide_account,
        name="operator_decides_payout_account",
    ),
    path("operator/transfers/", reconciliation_views.manual_transfers, name="manual_transfers"),
    path("operator/transfers/new/", reconciliation_views.new_manual_transfer, name="new_manual_transfer"),
    path("operator/transfers/<int:manual_id>/", reconciliation_views.manual_transfer, name="manual_transfer"),
    re_path(
        r"^operator/transfers/(?P<manual_id>[0-9]+)/(?P<verb>approve|refuse)/$",
        reconciliation_views.decide_manual_transfer,
        name="decide_manual_transfer",
    ),
    path("operator/reconciliation/", reconciliation_views.reconciliation, name="reconciliation"),
    path("operator/reconciliation/run/", reconciliation_views.run, name="run_reconciliation"),
    path(
        "operator/reconciliation/<int:difference_id>/",
        reconciliation_views.resolve,
        name="resolve_difference",
    ),
    path("balance/cards/", stripe_views.cards, name="cards"),
    path("balance/cards/top-up/", stripe_views.top_up, name="card_top_up"),
    path("balance/cards/top-up/<str:key>/", stripe_views.back_from_card_page, name="back_from_card_page"),
    path("balance/cards/top-ups/<int:top_up_id>/refund/", stripe_views.refund, name="card_refund"),
    path("balance/cards/add/", stripe_views.add_card, name="add_card"),
    path("balance/cards/<int:card_id>/remove/", stripe_views.forget_card, name="remove_card"),
    path("balance/stripe-account/", stripe_views.stripe_account, name="stripe_account"),
    path("balance/stripe-account/onboard/", stripe_views.onboard, name="onboard"),
    path("balance/stripe-account/back/", stripe_views.back_from_onboarding, name="back_from_onboarding"),
    path("balance/stripe-account/payout/", stripe_views.ask_payout_through_stripe, name="ask_stripe_payout"),
    path("balance/stripe-account/schedule/", stripe_views.stripe_schedule, name="stripe_schedule"),
    path("operator/stripe/", stripe_views.operator_stripe, name="operator_stripe"),
    path("stripe/webhook/", stripe_views.webhook, name="stripe_webhook"),
]
