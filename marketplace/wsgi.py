import os

from django.core.wsgi import get_wsgi_application

from marketplace import private_services

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
private_services.start()

application = get_wsgi_application()
