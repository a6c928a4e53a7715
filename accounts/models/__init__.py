"""Who trades: users, organisations, their members, API keys, and the audit trail."""

from accounts.models.api_key import ApiKey, IdempotentRequest, Scope, hash_secret
from accounts.models.audit_event import AuditEvent
from accounts.models.member import Invitation, Member, Role
from accounts.models.organisation import REGISTERED_ALREADY, Jurisdiction, Organisation
from accounts.models.outgoing_email import OutgoingEmail
from accounts.models.user import User, UserManager
from accounts.models.webhook import EventKind, WebhookDelivery, WebhookEndpoint, WebhookEvent

__all__ = [
    "REGISTERED_ALREADY",
    "ApiKey",
    "AuditEvent",
    "EventKind",
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
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "hash_secret",
]
