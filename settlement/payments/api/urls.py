from django.urls import path

from settlement.payments.api import views

urlpatterns = [path("top-up", views.TopUp.as_view())]
