from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    name = "marketplace"

    def ready(self) -> None:
        from marketplace import celery  # noqa: F401  (tasks bind to the project's Celery app)
