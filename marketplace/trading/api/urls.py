from django.urls import path, re_path

from marketplace.trading.api import freed_hours, views

urlpatterns = [
    path("orders", views.OrderList.as_view()),
    path("orders/<int:pk>", views.OrderDetail.as_view()),
    path("orders/<int:pk>/cancel", views.OrderCancel.as_view()),
    path("bids", views.Bids.as_view()),
    path("estimates", views.Estimates.as_view()),
    path("licence-orders", views.LicenceOrders.as_view()),
    path("bundles", views.Bundles.as_view()),
    path("trades", views.TradeList.as_view()),
    path("contracts/<str:number>/freed-hours", freed_hours.Freed.as_view()),
    path("rounds", views.RoundList.as_view()),
    path("rounds/<int:pk>", views.RoundDetail.as_view()),
    re_path("^documents/(?P<sha256>[0-9a-f]{64})$", views.Document.as_view()),
    path("market/prices", views.Prices.as_view()),
    path("market/pools/<int:pk>/depth", views.PoolDepth.as_view()),
    path("market/index", views.PriceIndex.as_view()),
]
