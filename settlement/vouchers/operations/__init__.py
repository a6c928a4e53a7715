"""The vouchers' verbs: issuers, programmes, applications, affiliations, and a voucher's part of an order."""

from settlement.vouchers.operations.affiliations import decide_affiliation, declare_affiliation
from settlement.vouchers.operations.applications import apply, approve, reject, revoke
from settlement.vouchers.operations.issuers import approve_issuer, end_issuer
from settlement.vouchers.operations.programmes import (
    Rules,
    close_programme,
    discard_programme,
    open_programme,
    return_rest_of_closed,
    write_programme,
)
from settlement.vouchers.operations.use import Claim, Purchase, claim, hold_with_voucher

__all__ = [
    "Claim",
    "Purchase",
    "Rules",
    "apply",
    "approve",
    "approve_issuer",
    "claim",
    "close_programme",
    "decide_affiliation",
    "declare_affiliation",
    "discard_programme",
    "end_issuer",
    "hold_with_voucher",
    "open_programme",
    "reject",
    "return_rest_of_closed",
    "revoke",
    "write_programme",
]
