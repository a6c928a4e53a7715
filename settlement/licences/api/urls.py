from django.urls import path

from settlement.licences.api import views

urlpatterns = [
    path("licences", views.LicenceList.as_view()),
    path("licences/<str:number>", views.LicenceDetail.as_view()),
    path("licences/<str:number>/suspend", views.Suspension.as_view()),
    path("licences/<str:number>/reinstate", views.Reinstatement.as_view()),
    path("licences/<str:number>/validate", views.Validate.as_view()),
    path("licences/<str:number>/activate", views.Activate.as_view()),
    path("licences/<str:number>/heartbeat", views.Heartbeat.as_view()),
    path("licences/<str:number>/deactivate", views.Deactivate.as_view()),
    path("licences/<str:number>/calls", views.Calls.as_view()),
    path("licences/<str:number>/download", views.DownloadLink.as_view()),
]
