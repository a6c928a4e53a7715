from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import operations
from accounts.forms import ApiKeyForm
from accounts.permissions import Permission
from accounts.requests import MemberRequest
from accounts.web import organisation_required, refused_on, tell_refusal


@organisation_required(Permission.MANAGE_ORGANISATION)
def list_api_keys(request: MemberRequest) -> HttpResponse:
    keys = request.organisation.api_keys.select_related("created_by").order_by("-created_at", "-pk")
    return render(request, "accounts/api_keys.html", {"keys": keys, "now": timezone.now()})


@never_cache
@organisation_required(Permission.MANAGE_ORGANISATION)
def create_api_key(request: MemberRequest) -> HttpResponse:
    """Answers the form with the token itself, so that it is stored nowhere, not even in the session."""
    form = ApiKeyForm(request.POST or None)
    if form.is_valid():
        now = timezone.now()
        with refused_on(form):
            key, token = operations.create_api_key(
                actor=request.actor,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                expires_at=form.expires_at(now),
                now=now,
            )
            return render(request, "accounts/api_key_created.html", {"key": key, "token": token})
    return render(request, "accounts/create_api_key.html", {"form": form})


@require_POST
@organisation_required(Permission.MANAGE_ORGANISATION)
def revoke_api_key(request: MemberRequest, api_key_id: int) -> HttpResponse:
    with tell_refusal(request):
        operations.revoke_api_key(actor=request.actor, api_key_id=api_key_id, now=timezone.now())
        messages.success(request, _("The key is revoked; nothing can use it any more."))
    return redirect("accounts:api_keys")
