from django.urls import path, re_path

from listings.views import catalogue, provider, publisher

app_name = "listings"
urlpatterns = [
    path("algorithms/", catalogue.algorithms, name="algorithms"),
    path("algorithms/<slug:slug>/", catalogue.algorithm, name="algorithm"),
    path("accelerators/", catalogue.accelerators, name="accelerators"),
    path("facilities/<int:facility_id>/", catalogue.facility, name="facility"),
    path("listings/", provider.home, name="home"),
    path("listings/facilities/add/", provider.add_facility, name="add_facility"),
    path("listings/facilities/<int:facility_id>/edit/", provider.edit_facility, name="edit_facility"),
    path("listings/facilities/<int:facility_id>/pools/add/", provider.add_pool, name="add_pool"),
    path("listings/pools/<int:pool_id>/", provider.pool, name="pool"),
    path("listings/pools/<int:pool_id>/resize/", provider.resize_pool, name="resize_pool"),
    path("listings/pools/<int:pool_id>/capacity/add/", provider.list_capacity, name="list_capacity"),
    path("listings/capacity/<int:capacity_id>/", provider.capacity, name="capacity"),
    path("listings/capacity/<int:capacity_id>/edit/", provider.edit_capacity, name="edit_capacity"),
    re_path(
        r"^listings/capacity/(?P<capacity_id>\d+)/(?P<step>pause|resume|withdraw)/$",
        provider.change_capacity,
        name="change_capacity",
    ),
    path("listings/upload/", provider.upload, name="upload"),
    path("listings/upload/capacity.csv", provider.upload_template, name="upload_template"),
    path("listings/algorithms/add/", publisher.add_algorithm, name="add_algorithm"),
    path("listings/algorithms/<int:algorithm_id>/", publisher.algorithm, name="own_algorithm"),
    path("listings/algorithms/<int:algorithm_id>/edit/", publisher.edit_algorithm, name="edit_algorithm"),
    path("listings/algorithms/<int:algorithm_id>/versions/add/", publisher.add_version, name="add_version"),
    path("listings/algorithms/<int:algorithm_id>/plans/add/", publisher.add_plan, name="add_plan"),
    re_path(
        r"^listings/algorithms/(?P<algorithm_id>\d+)/(?P<step>list|withdraw)/$",
        publisher.change_algorithm,
        name="change_algorithm",
    ),
    path("listings/plans/<int:plan_id>/edit/", publisher.edit_plan, name="edit_plan"),
    re_path(
        r"^listings/plans/(?P<plan_id>\d+)/(?P<step>list|withdraw)/$",
        publisher.change_plan,
        name="change_plan",
    ),
]
