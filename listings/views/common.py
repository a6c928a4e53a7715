"""What the listings' pages share: one operation a form, its refusal shown where it was typed."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest
from accounts.web import refused_on, tell_refusal

Row = TypeVar("Row")


def may_manage(request: MemberRequest) -> bool:
    return Permission.MANAGE_LISTINGS in permissions_of(request.actor)


def carry_out(
    request: MemberRequest, form: forms.BaseForm, operation: Callable[..., Row], **arguments: Any
) -> Row | None:
    """Do what the form asks, now; None, and the reason on the form, where it is refused or not valid."""
    if request.method != "POST" or not form.is_valid():
        return None
    with refused_on(form):
        return operation(actor=request.actor, now=timezone.now(), **arguments, **form.cleaned_data)
    return None


def press(
    request: MemberRequest, operation: Callable[..., object], done: str, back: str, **arguments: object
) -> HttpResponse:
    """Do what a button asks, say how it went, and go back."""
    with tell_refusal(request):
        operation(actor=request.actor, now=timezone.now(), **arguments)
        messages.success(request, done)
    return redirect(back)


def form_page(request: MemberRequest, form: forms.BaseForm, **context: object) -> HttpResponse:
    """A page with one form: `heading`, `submit` and `back` say what it does; `suffixes` are its units."""
    status = 422 if form.is_bound and not form.is_valid() else 200
    return render(request, "listings/form.html", {"form": form, **context}, status=status)
