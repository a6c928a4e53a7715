"""The verbs that change who trades: one module a thing, all of them to be called from here."""

from accounts.operations.api_keys import create_api_key, revoke_api_key
from accounts.operations.invitations import (
    InvitationClosed,
    WrongAddress,
    accept_invitation,
    find_invitation,
    invite_member,
    revoke_invitation,
)
from accounts.operations.language import choose_language
from accounts.operations.members import LastOwner, change_role, leave_organisation, remove_member
from accounts.operations.organisations import (
    AlreadyRegistered,
    Details,
    DetailsChanged,
    create_organisation,
    edit_organisation,
    reject_organisation,
    verify_organisation,
)
from accounts.operations.outgoing_email import queue_email, queue_emails, send_queued_email
from accounts.operations.webhooks import tell_programs

__all__ = [
    "AlreadyRegistered",
    "Details",
    "DetailsChanged",
    "InvitationClosed",
    "LastOwner",
    "WrongAddress",
    "accept_invitation",
    "change_role",
    "choose_language",
    "create_api_key",
    "create_organisation",
    "edit_organisation",
    "find_invitation",
    "invite_member",
    "leave_organisation",
    "queue_email",
    "queue_emails",
    "reject_organisation",
    "remove_member",
    "revoke_api_key",
    "revoke_invitation",
    "send_queued_email",
    "tell_programs",
    "verify_organisation",
]
