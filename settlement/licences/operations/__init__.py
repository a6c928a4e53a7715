"""The licences' verbs: issue, seats, metering, standing, tokens, validation, downloads."""

from settlement.licences.operations.download import Link, link_for_member, link_for_software, open_link
from settlement.licences.operations.issue import issue_licence, issue_licences
from settlement.licences.operations.meter import CallReport, Metered, meter_calls
from settlement.licences.operations.seats import (
    Machine,
    activate,
    deactivate,
    heartbeat,
    reclaim_seat,
    release_lapsed_seats,
)
from settlement.licences.operations.standing import (
    reinstate_licence,
    revoke_for_undone_contracts,
    revoke_licence,
    suspend_licence,
)
from settlement.licences.operations.tokens import create_token, revoke_token
from settlement.licences.operations.validate import Validation, validate

__all__ = [
    "CallReport",
    "Link",
    "Machine",
    "Metered",
    "Validation",
    "activate",
    "create_token",
    "deactivate",
    "heartbeat",
    "issue_licence",
    "issue_licences",
    "link_for_member",
    "link_for_software",
    "meter_calls",
    "open_link",
    "reclaim_seat",
    "reinstate_licence",
    "release_lapsed_seats",
    "revoke_for_undone_contracts",
    "revoke_licence",
    "revoke_token",
    "suspend_licence",
    "validate",
]
