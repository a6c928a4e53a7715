from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from accounts import operations
from accounts.requests import PageRequest


@require_POST
def choose_language(request: PageRequest) -> HttpResponse:
    """Keep the choice: in a cookie, by Django's own view, and a user's for every browser and letter."""
    language = request.POST.get("language", "")
    if request.user.is_authenticated and language in dict(settings.LANGUAGES):
        operations.choose_language(user=request.user, language=language)
    return set_language(request)
