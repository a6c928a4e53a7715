from django.urls import path

from accounts.views import api_keys, audit, language, members, organisation, profile, verification, webhooks

app_name = "accounts"

urlpatterns = [
    path("language/", language.choose_language, name="choose_language"),
    path("account/", profile.edit_profile, name="profile"),
    path("organisation/", organisation.show_organisation, name="organisation"),
    path("organisation/create/", organisation.create_organisation, name="create_organisation"),
    path("organisation/edit/", organisation.edit_organisation, name="edit_organisation"),
    path("organisation/switch/", organisation.switch_organisation, name="switch_organisation"),
    path("organisation/leave/", members.leave_organisation, name="leave_organisation"),
    path("organisation/members/", members.list_members, name="members"),
    path("organisation/members/invite/", members.invite_member, name="invite_member"),
    path("organisation/members/<int:member_id>/role/", members.change_role, name="change_role"),
    path("organisation/members/<int:member_id>/remove/", members.remove_member, name="remove_member"),
    path(
        "organisation/members/invitations/<int:invitation_id>/revoke/",
        members.revoke_invitation,
        name="revoke_invitation",
    ),
    path("organisation/invitation/<str:secret>/", members.accept_invitation, name="accept_invitation"),
    path("organisation/keys/", api_keys.list_api_keys, name="api_keys"),
    path("organisation/keys/create/", api_keys.create_api_key, name="create_api_key"),
    path("organisation/keys/<int:api_key_id>/revoke/", api_keys.revoke_api_key, name="revoke_api_key"),
    path("organisation/webhooks/", webhooks.list_webhooks, name="webhooks"),
    path("organisation/webhooks/add/", webhooks.add_webhook, name="add_webhook"),
    path("organisation/webhooks/<int:endpoint_id>/", webhooks.edit_webhook, name="edit_webhook"),
    path(
        "organisation/webhooks/<int:endpoint_id>/rotate/",
        webhooks.rotate_webhook_secret,
        name="rotate_webhook_secret",
    ),
    path("organisation/webhooks/<int:endpoint_id>/ping/", webhooks.ping_webhook, name="ping_webhook"),
    path("organisation/webhooks/<int:endpoint_id>/remove/", webhooks.remove_webhook, name="remove_webhook"),
    path(
        "organisation/webhooks/events/<int:event_id>/replay/",
        webhooks.replay_webhook_event,
        name="replay_webhook_event",
    ),
    path("organisation/audit/", audit.list_events, name="audit_trail"),
    path("operator/verification/", verification.list_organisations, name="verification_queue"),
    path(
        "operator/verification/<int:organisation_id>/",
        verification.show_organisation,
        name="verification",
    ),
    path("operator/verification/<int:organisation_id>/verify/", verification.verify, name="verify"),
    path("operator/verification/<int:organisation_id>/reject/", verification.reject, name="reject"),
]
