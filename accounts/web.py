"""Who may open a page. Each decorator sends away those who may not, with what to do next."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.errors import DomainError, NotAllowed
from accounts.permissions import Permission, lacks_second_factor, require, require_operator

View = Callable[..., HttpResponseBase]


def organisation_required(permission: Permission = Permission.VIEW) -> Callable[[View], View]:
    """For a page of the user's organisation: `@organisation_required()` or `(Permission.TRADE)`.

    The view finds `request.organisation`, `request.member` and `request.actor` set.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if request.organisation is None:
                return redirect("accounts:create_organisation")
            if lacks_second_factor(request.user, request.member):
                return to_second_factor(request)
            try:
                require(request.actor, permission)
            except NotAllowed as refusal:
                return not_allowed(request, refusal)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def operator_required(view: View) -> View:
    """For a page of the exchange's operators, who must have a second factor."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        try:
            require_operator(request.actor)
        except NotAllowed as refusal:
            return not_allowed(request, refusal)
        if lacks_second_factor(request.user):
            return to_second_factor(request)
        return view(request, *args, **kwargs)

    return guarded


def not_allowed(request: HttpRequest, refusal: NotAllowed) -> HttpResponse:
    return render(request, "accounts/not_allowed.html", {"refusal": refusal}, status=refusal.status)


def to_second_factor(request: HttpRequest) -> HttpResponse:
    messages.warning(
        request, _("Owners and operators need a second factor. Set yours up, then you can go on.")
    )
    return redirect("mfa_activate_totp")


@contextmanager
def tell_refusal(request: HttpRequest) -> Iterator[None]:
    """For a button without a form: a refusal becomes a message on the page that comes next."""
    try:
        yield
    except DomainError as refusal:
        messages.error(request, str(refusal))


@contextmanager
def refused_on(form: forms.BaseForm, field: str | None = None) -> Iterator[None]:
    """For a form: a refusal becomes an error of the form, or of the field to blame, and the page goes on."""
    try:
        yield
    except DomainError as refusal:
        form.add_error(field, str(refusal))
