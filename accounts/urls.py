from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("organisation/create/", views.create_organisation, name="create_organisation"),
]
