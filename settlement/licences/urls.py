from django.urls import path

from settlement.licences import views

app_name = "licences"
urlpatterns = [
    path("licences/", views.licences, name="licences"),
    path("licences/<str:number>/", views.licence, name="licence"),
    path("licences/<str:number>/tokens/", views.new_token, name="new_token"),
    path("licences/<str:number>/tokens/<int:token_id>/revoke/", views.end_token, name="end_token"),
    path("licences/<str:number>/seats/<int:activation_id>/reclaim/", views.reclaim, name="reclaim"),
    path("licences/<str:number>/download/", views.download, name="download"),
    path("licences/<str:number>/suspend/", views.suspend, name="suspend"),
    path("licences/<str:number>/reinstate/", views.reinstate, name="reinstate"),
    path("artefacts/<str:ticket>/", views.artefact, name="artefact"),
    path("operator/licences/", views.operator_licences, name="operator_licences"),
    path("operator/licences/<str:number>/", views.operator_licence, name="operator_licence"),
    path("operator/licences/<str:number>/suspend/", views.operator_suspend, name="operator_suspend"),
    path("operator/licences/<str:number>/reinstate/", views.operator_reinstate, name="operator_reinstate"),
    path("operator/licences/<str:number>/revoke/", views.operator_revoke, name="operator_revoke"),
]
