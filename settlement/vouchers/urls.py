from django.urls import path

from settlement.vouchers.views import firm, issuer, operator

app_name = "vouchers"
urlpatterns = [
    path("vouchers/", firm.vouchers, name="vouchers"),
    path("vouchers/<int:voucher_id>/", firm.voucher, name="voucher"),
    path("vouchers/affiliates/", firm.affiliates, name="affiliates"),
    path("vouchers/files/<int:file_id>/", firm.file, name="file"),
    path("vouchers/programmes/<int:programme_id>/", firm.programme, name="programme"),
    path("vouchers/run/", issuer.programmes, name="programmes"),
    path("vouchers/run/new/", issuer.new_programme, name="new_programme"),
    path("vouchers/run/<int:programme_id>/", issuer.run_programme, name="run_programme"),
    path("vouchers/run/<int:programme_id>/edit/", issuer.edit_programme, name="edit_programme"),
    path("vouchers/run/<int:programme_id>/open/", issuer.open_, name="open_programme"),
    path("vouchers/run/<int:programme_id>/close/", issuer.close, name="close_programme"),
    path("vouchers/run/<int:programme_id>/discard/", issuer.discard, name="discard_programme"),
    path(
        "vouchers/run/<int:programme_id>/statement/", issuer.programme_statement, name="programme_statement"
    ),
    path("vouchers/run/<int:programme_id>/report.csv", issuer.report_csv, name="report_csv"),
    path("vouchers/run/applications/<int:application_id>/", issuer.application, name="application"),
    path("vouchers/run/vouchers/<int:voucher_id>/", issuer.issued_voucher, name="issued_voucher"),
    path("operator/vouchers/", operator.issuers, name="issuers"),
    path("operator/vouchers/issuers/", operator.new_issuer, name="new_issuer"),
    path("operator/vouchers/issuers/<int:issuer_id>/end/", operator.end, name="end_issuer"),
    path("operator/vouchers/affiliations/", operator.new_affiliation, name="new_affiliation"),
    path("operator/vouchers/affiliations/<int:affiliation_id>/", operator.affiliation, name="affiliation"),
]
