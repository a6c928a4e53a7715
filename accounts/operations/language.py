from accounts.models import User


def choose_language(*, user: User, language: str) -> None:
    """Show pages, and write letters, in one of settings.LANGUAGES from now on."""
    user.language = language
    user.save(update_fields=["language"])
