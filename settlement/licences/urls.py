from django.urls import path

from settlement.licences.views import artefact, operator, party

app_name = "licences"
urlpatterns = [
    path("licences/", party.licences, name="licences"),
    path("licences/<str:number>/", party.licence, name="licence"),
    path("licences/<str:number>/tokens/", party.new_token, name="new_token"),
    path("licences/<str:number>/tokens/<int:token_id>/revoke/", party.end_token, name="end_token"),
    path("licences/<str:number>/seats/<int:activation_id>/reclaim/", party.reclaim, name="reclaim"),
    path("licences/<str:number>/download/", party.download, name="download"),
    path("licences/<str:number>/suspend/", party.suspend, name="suspend"),
    path("licences/<str:number>/reinstate/", party.reinstate, name="reinstate"),
    path("artefacts/<str:ticket>/", artefact.artefact, name="artefact"),
    path("operator/licences/", operator.licences, name="operator_licences"),
    path("operator/licences/<str:number>/", operator.licence, name="operator_licence"),
    path("operator/licences/<str:number>/suspend/", operator.suspend, name="operator_suspend"),
    path("operator/licences/<str:number>/reinstate/", operator.reinstate, name="operator_reinstate"),
    path("operator/licences/<str:number>/revoke/", operator.revoke, name="operator_revoke"),
]
