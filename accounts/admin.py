"""For looking, not for doing: what changes who trades goes through the operations, and leaves a trail."""

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin_site import ReadOnlyAdmin
from accounts.models import ApiKey, AuditEvent, Invitation, Member, Organisation, OutgoingEmail, User


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """A user can be renamed, deactivated or made an operator; never deleted, as the trail names them."""

    list_display = ["email", "name", "is_active", "is_staff", "last_login", "date_joined"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "name"]
    fields = [
        "email",
        "name",
        "language",
        "is_active",
        "is_staff",
        "is_superuser",
        "last_login",
        "date_joined",
    ]
    readonly_fields = ["email", "last_login", "date_joined"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Organisation)
class OrganisationAdmin(ReadOnlyAdmin):
    list_display = ["name_en", "name_zh", "jurisdiction", "registration_number", "activity", "verification"]
    list_filter = ["verification", "jurisdiction", "activity", "tier"]
    search_fields = ["name_en", "name_zh", "registration_number"]


@admin.register(Member)
class MemberAdmin(ReadOnlyAdmin):
    list_display = ["user", "organisation", "role", "joined_at"]
    list_filter = ["role"]
    list_select_related = ["user", "organisation"]
    search_fields = ["user__email", "organisation__name_en", "organisation__name_zh"]


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ["email", "organisation", "role", "created_at", "expires_at", "accepted_at", "revoked_at"]
    list_select_related = ["organisation"]
    search_fields = ["email"]
    exclude = ["secret_hash"]


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ["name", "prefix", "organisation", "scopes", "expires_at", "revoked_at", "last_used_at"]
    list_select_related = ["organisation"]
    search_fields = ["name", "prefix"]
    exclude = ["secret_hash"]


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(ReadOnlyAdmin):
    list_display = ["to", "subject", "created_at", "sent_at", "attempts", "last_error"]
    search_fields = ["to", "subject"]
    exclude = ["text"]


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "organisation", "user", "api_key", "verb", "subject_type", "subject_id"]
    list_filter = ["verb", "subject_type"]
    list_select_related = ["organisation", "user", "api_key"]
    date_hierarchy = "at"
