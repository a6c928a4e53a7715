"""Who trades: users, organisations, their members, API keys, and the audit trail."""

from accounts.models.api_key import ApiKey, IdempotentRequest, Scope, hash_secret
from accounts.models.audit_event import AuditEvent
from accounts.models.member import Invitation, Member, Role
from accounts.models.organisation import REGISTERED_ALREADY, Jurisdiction, Organisation
from accounts.models.outgoing_email import OutgoingEmail
from accounts.models.user import User, UserManager

__all__ = [
    "REGISTERED_ALREADY",
    "ApiKey",
    "AuditEvent",
    "IdempotentRequest",
    "Invitation",
    "Jurisdiction",
    "Member",
    "Organisation",
    "OutgoingEmail",
    "Role",
    "Scope",
    "User",
    "UserManager",
    "hash_secret",
]
