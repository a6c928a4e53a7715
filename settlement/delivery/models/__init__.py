from settlement.delivery.models.dispute import Dispute, DisputeMessage, Evidence
from settlement.delivery.models.report import AccessDetails, MeterReminder, StateReport, UsageRecord
from settlement.delivery.models.settled import Correction, CorrectionPayment, Delivery

__all__ = [
    "AccessDetails",
    "Correction",
    "CorrectionPayment",
    "Delivery",
    "Dispute",
    "DisputeMessage",
    "Evidence",
    "MeterReminder",
    "StateReport",
    "UsageRecord",
]
