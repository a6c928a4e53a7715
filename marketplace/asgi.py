import os

from django.core.asgi import get_asgi_application

from marketplace import private_services

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
private_services.start()

application = get_asgi_application()
