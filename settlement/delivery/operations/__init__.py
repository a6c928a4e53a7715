"""Delivery's verbs: report it, accept it, pay for it, mend it, dispute it, end it before its time."""

from settlement.delivery.operations.accept import accept_licence
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
from settlement.delivery.operations.terminate import answer_proposal, propose_termination, terminate

__all__ = [
    "Reading",
    "accept_licence",
    "answer_dispute",
    "answer_proposal",
    "collect_owed",
    "decide_dispute",
    "open_dispute",
    "propose_termination",
    "release",
    "remind_of_unmetered_hours",
    "report_access",
    "report_state",
    "report_usage",
    "terminate",
    "view_access",
]
