from django.urls import path

from accounts.views import api_keys, audit, language, members, organisation, profile, verification

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
