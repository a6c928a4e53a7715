from django.urls import path

from marketplace.trading import views

app_name = "trading"
urlpatterns = [
    path("", views.home, name="home"),
]
