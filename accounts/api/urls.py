from django.urls import path

from accounts.api import views

urlpatterns = [path("organisation", views.OwnOrganisation.as_view())]
