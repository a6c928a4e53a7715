from django.urls import path

from accounts.api import views, webhooks

urlpatterns = [
    path("organisation", views.OwnOrganisation.as_view()),
    path("webhook-endpoints", webhooks.Endpoints.as_view()),
    path("webhook-endpoints/<int:pk>", webhooks.EndpointDetail.as_view()),
    path("webhook-endpoints/<int:pk>/rotate", webhooks.EndpointRotation.as_view()),
    path("webhook-endpoints/<int:pk>/ping", webhooks.EndpointPing.as_view()),
    path("events", webhooks.EventList.as_view()),
    path("events/<slug:uid>", webhooks.EventDetail.as_view()),
    path("events/<slug:uid>/replay", webhooks.EventReplay.as_view()),
]
