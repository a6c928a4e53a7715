"""Delivery's verbs: report it, pay for it, mend it, dispute it."""

from settlement.delivery.operations.correct import collect_owed
from settlement.delivery.operations.decide import decide_dispute
from settlement.delivery.operations.dispute import answer_dispute, open_dispute
from settlement.delivery.operations.release import release
from settlement.delivery.operations.remind import remind_of_unmetered_hours
from settlement.delivery.operations.report import (
    Reading,
    report_access,
    report_state,
    report_usage,
    view_access,
)

__all__ = [
    "Reading",
    "answer_dispute",
    "collect_owed",
    "decide_dispute",
    "open_dispute",
    "release",
    "remind_of_unmetered_hours",
    "report_access",
    "report_state",
    "report_usage",
    "view_access",
]
