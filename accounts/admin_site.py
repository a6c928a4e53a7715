from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

from accounts.errors import NotAllowed
from accounts.permissions import lacks_second_factor, require_operator
from accounts.web import not_allowed, to_second_factor


class ExchangeAdminSite(AdminSite):
    """Django's admin, entered through the exchange's own login, second factor included."""

    site_header = site_title = "Suanpan"

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not lacks_second_factor(request.user)

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next", request.get_full_path()))
        try:
            require_operator(request.actor)
        except NotAllowed as refusal:
            return not_allowed(request, refusal)
        return to_second_factor(request)


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[type-arg]  # generic in its stubs only
    """Everything changes through operations, so the admin only shows."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
