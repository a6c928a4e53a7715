from django.urls import path

from listings.api import publisher, views

urlpatterns = [
    path("accelerators", views.AcceleratorList.as_view()),
    path("facilities", views.FacilityList.as_view()),
    path("pools", views.PoolList.as_view()),
    path("pools/<int:pk>", views.PoolDetail.as_view()),
    path("algorithms", views.AlgorithmList.as_view()),
    path("algorithms/<slug:slug>", views.AlgorithmDetail.as_view()),
    path("own/facilities", views.OwnFacilityList.as_view()),
    path("own/facilities/<int:pk>", views.OwnFacilityDetail.as_view()),
    path("own/pools", views.OwnPoolList.as_view()),
    path("own/pools/<int:pk>", views.OwnPoolDetail.as_view()),
    path("capacities", views.CapacityList.as_view()),
    path("capacities/<int:pk>", views.CapacityDetail.as_view()),
    path("capacities/<int:pk>/pause", views.CapacityPause.as_view()),
    path("capacities/<int:pk>/resume", views.CapacityResume.as_view()),
    path("capacities/<int:pk>/withdraw", views.CapacityWithdraw.as_view()),
    path("own/algorithms", publisher.OwnAlgorithmList.as_view()),
    path("own/algorithms/<slug:slug>", publisher.OwnAlgorithmDetail.as_view()),
    path("own/algorithms/<slug:slug>/list", publisher.OwnAlgorithmPublication.as_view()),
    path("own/algorithms/<slug:slug>/withdraw", publisher.OwnAlgorithmWithdrawal.as_view()),
    path("own/algorithms/<slug:slug>/versions", publisher.OwnVersions.as_view()),
    path("own/algorithms/<slug:slug>/plans", publisher.OwnPlans.as_view()),
    path("own/plans/<int:pk>", publisher.OwnPlanDetail.as_view()),
    path("own/plans/<int:pk>/withdraw", publisher.OwnPlanWithdrawal.as_view()),
    path("own/plans/<int:pk>/relist", publisher.OwnPlanRelisting.as_view()),
]
