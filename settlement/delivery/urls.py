from django.urls import path

from settlement.delivery.views import delivery as views
from settlement.delivery.views import terminations

app_name = "delivery"
urlpatterns = [
    path("contracts/<str:number>/delivery/", views.delivery, name="delivery"),
    path("contracts/<str:number>/delivery/state/", views.state, name="state"),
    path("contracts/<str:number>/delivery/access/", views.access, name="access"),
    path("contracts/<str:number>/delivery/access/show/", views.show_access, name="show_access"),
    path("contracts/<str:number>/delivery/usage/", views.usage, name="usage"),
    path("contracts/<str:number>/accept/", views.accept, name="accept"),
    path("contracts/<str:number>/disputes/new/", views.new_dispute, name="new_dispute"),
    path("disputes/<int:dispute_id>/", views.dispute, name="dispute"),
    path("disputes/evidence/<int:evidence_id>/", views.evidence, name="evidence"),
    path("contracts/<str:number>/termination/", terminations.termination, name="termination"),
    path("contracts/<str:number>/termination/propose/", terminations.propose, name="propose_termination"),
    path("contracts/<str:number>/termination/answer/", terminations.answer, name="answer_proposal"),
    path("operator/contracts/", terminations.contracts, name="operator_contracts"),
    path("operator/contracts/<str:number>/", terminations.contract, name="operator_contract"),
    path("operator/disputes/", views.disputes, name="disputes"),
    path("operator/disputes/<int:dispute_id>/", views.decide, name="decide"),
]
