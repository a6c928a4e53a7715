from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import operations
from accounts.errors import DomainError
from accounts.forms import InvitationForm
from accounts.models import Role
from accounts.names import local_name
from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest, PageRequest
from accounts.web import organisation_required, refused_on, tell_refusal


@organisation_required()
def list_members(request: MemberRequest, form: InvitationForm | None = None) -> HttpResponse:
    organisation = request.organisation
    context = {
        "manages": Permission.MANAGE_ORGANISATION in permissions_of(request.actor),
        "members": organisation.members.select_related("user").order_by("joined_at", "pk"),
        "invitations": organisation.invitations.open().select_related("invited_by").order_by("-created_at"),
        "form": form or InvitationForm(),
        "roles": Role.choices,
        "now": timezone.now(),
    }
    return render(request, "accounts/members.html", context)


@require_POST
@organisation_required(Permission.MANAGE_ORGANISATION)
def invite_member(request: MemberRequest) -> HttpResponse:
    form = InvitationForm(request.POST)
    if form.is_valid():
        with refused_on(form, "email"):
            invitation = operations.invite_member(
                actor=request.actor,
                **form.cleaned_data,
                link=lambda secret: request.build_absolute_uri(
                    reverse("accounts:accept_invitation", args=[secret])
                ),
                now=timezone.now(),
            )
            messages.success(
                request, _("An invitation is on its way to %(email)s.") % {"email": invitation.email}
            )
            return redirect("accounts:members")
    return list_members(request, form)


@require_POST
@organisation_required(Permission.MANAGE_ORGANISATION)
def revoke_invitation(request: MemberRequest, invitation_id: int) -> HttpResponse:
    with tell_refusal(request):
        operations.revoke_invitation(actor=request.actor, invitation_id=invitation_id, now=timezone.now())
        messages.success(request, _("The invitation is revoked."))
    return redirect("accounts:members")


@require_POST
@organisation_required(Permission.MANAGE_ORGANISATION)
def change_role(request: MemberRequest, member_id: int) -> HttpResponse:
    with tell_refusal(request):
        member = operations.change_role(
            actor=request.actor, member_id=member_id, role=request.POST.get("role", ""), now=timezone.now()
        )
        messages.success(
            request,
            _("%(person)s now has the role: %(role)s.")
            % {"person": member.user, "role": member.get_role_display()},
        )
    return redirect("accounts:members")


@require_POST
@organisation_required(Permission.MANAGE_ORGANISATION)
def remove_member(request: MemberRequest, member_id: int) -> HttpResponse:
    with tell_refusal(request):
        operations.remove_member(actor=request.actor, member_id=member_id, now=timezone.now())
        messages.success(request, _("The member is removed."))
    return redirect("accounts:members")


@require_POST
@organisation_required()
def leave_organisation(request: MemberRequest) -> HttpResponse:
    with tell_refusal(request):
        operations.leave_organisation(actor=request.actor, now=timezone.now())
        messages.success(
            request, _("You have left %(organisation)s.") % {"organisation": local_name(request.organisation)}
        )
        return redirect("/")
    return redirect("accounts:members")


def accept_invitation(request: PageRequest, secret: str) -> HttpResponse:
    """Shows who invites whom; whoever is not logged in is sent to sign up or log in first."""
    now = timezone.now()
    try:
        invitation = operations.find_invitation(secret=secret, now=now)
    except DomainError as refusal:
        return render(request, "accounts/invitation_closed.html", {"refusal": refusal}, status=refusal.status)
    context = {"invitation": invitation}
    if not request.user.is_authenticated:
        # Whoever holds the letter's link has shown that the address is theirs: no code is sent again.
        get_adapter().stash_verified_email(request, invitation.email)
    elif request.method == "POST":
        try:
            member = operations.accept_invitation(user=request.user, secret=secret, now=now)
        except DomainError as refusal:
            context["refusal"] = refusal
        else:
            request.session["organisation"] = member.organisation_id
            messages.success(
                request,
                _("You are now a member of %(organisation)s.")
                % {"organisation": local_name(member.organisation)},
            )
            return redirect("accounts:organisation")
    return render(request, "accounts/invitation.html", context)
