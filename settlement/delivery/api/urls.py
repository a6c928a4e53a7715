from django.urls import path

from settlement.delivery.api import terminations, views

urlpatterns = [
    path("contracts/<str:number>/delivery", views.DeliveryDetail.as_view()),
    path("contracts/<str:number>/delivery/state", views.DeliveryState.as_view()),
    path("contracts/<str:number>/delivery/access", views.DeliveryAccess.as_view()),
    path("contracts/<str:number>/hours", views.Hours.as_view()),
    path("contracts/<str:number>/acceptance", views.Acceptance.as_view()),
    path("contracts/<str:number>/disputes", views.NewDispute.as_view()),
    path("contracts/<str:number>/terminations", terminations.Terminations.as_view()),
    path("contracts/<str:number>/terminations/<int:pk>/answer", terminations.ProposalAnswer.as_view()),
    path("usage", views.Usage.as_view()),
    path("disputes", views.DisputeList.as_view()),
    path("disputes/<int:pk>", views.DisputeDetail.as_view()),
    path("disputes/<int:pk>/messages", views.DisputeMessages.as_view()),
]
