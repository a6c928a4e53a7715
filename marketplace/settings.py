"""All settings, from the environment (see .env.example). Nothing here is a secret."""

import base64
import secrets
from datetime import timedelta
from pathlib import Path

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy

from marketplace import private_services

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

# A machine that names a database is a deployment; one that names none is somebody's own machine.
DEPLOYED = bool(env("DATABASE_URL", default=""))
DEBUG = env.bool("DEBUG", default=False)


def own(name: str, made: str) -> str:
    """A secret for this checkout alone: what was `made` the first time, kept beside its private data."""
    path = private_services.DATA_DIR / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(made)
    return path.read_text()


SECRET_KEY = env("SECRET_KEY", default="")
if not SECRET_KEY and DEPLOYED:
    raise ImproperlyConfigured("Set SECRET_KEY to a long random string: `openssl rand -base64 48` makes one.")
SECRET_KEY = SECRET_KEY or own("secret_key", secrets.token_urlsafe(48))
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

# What contracts and licences are signed with: seeds in base64, oldest first; the last one signs.
SIGNING_KEYS = env.list("SIGNING_KEYS", default=[])
if not SIGNING_KEYS and DEPLOYED:
    raise ImproperlyConfigured("Set SIGNING_KEYS to an Ed25519 key: `openssl rand -base64 32` makes one.")
SIGNING_KEYS = (
    SIGNING_KEYS
    or own("signing_keys", base64.b64encode(secrets.token_bytes(32)).decode() + "\n").split()  # A line a key.
)

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if DEPLOYED else ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("HTTPS", default=DEPLOYED)
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "accounts.apps.ExchangeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pgtrigger",
    "rest_framework",
    "accounts",
    "listings",
    "settlement.ledger",
    "settlement.contracts",
    "settlement.delivery",
    "settlement.payments",
    "settlement.invoices",
    "settlement.licences",
    "settlement.vouchers",
    "marketplace.trading",
    "marketplace",
]

MIDDLEWARE = [
    "marketplace.middleware.no_null_bytes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.chosen_language",
    "django.contrib.messages.middleware.MessageMiddleware",
    "marketplace.middleware.content_security_policy",
    "marketplace.middleware.no_dead_ends",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.CurrentOrganisationMiddleware",
    "marketplace.middleware.organisation_zone",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
ASGI_APPLICATION = "marketplace.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "django.template.context_processors.tz",
                "marketplace.navigation.navigation",
            ],
        },
    },
]

DATABASES = {"default": env.db_url("DATABASE_URL", default=private_services.database_url())}
# Lets the ledger prepare its one statement; PgBouncer pools those too, from 1.21 on.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("prepare_threshold", 5)

REDIS_URL = env("REDIS_URL", default=private_services.redis_url())
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

# Signing in (allauth), by e-mail. A letter carries a code that proves the address.
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_FORMS = {"signup": "accounts.forms.SignUpForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_REDIRECT_URL = "accounts:create_organisation"
ACCOUNT_EMAIL_VERIFICATION = env("EMAIL_VERIFICATION", default="mandatory")  # or "optional", or "none"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
# django-axes locks out first; these limits also cover second factors and codes.
ACCOUNT_RATE_LIMITS = {"login_failed": "20/m/ip,10/300s/key"}

# Owners of organisations and operators must set up a second factor before they use their pages.
REQUIRE_MFA = env.bool("REQUIRE_MFA", default=True)
MFA_ADAPTER = "accounts.adapters.MFAAdapter"
MFA_TOTP_ISSUER = "Suanpan"
MFA_TOTP_TOLERANCE = 1

# Five wrong passwords for one address from one place lock it there for a quarter of an hour.
AXES_FAILURE_LIMIT = 5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_FORM_FIELD = "login"
AXES_LOCKOUT_TEMPLATE = "account/locked_out.html"
# How many proxies stand in front: a client's address is read from X-Forwarded-For only behind them.
ALLAUTH_TRUSTED_PROXY_COUNT = PROXY_COUNT = env.int("PROXY_COUNT", default=0)
if PROXY_COUNT:
    AXES_IPWARE_PROXY_COUNT = PROXY_COUNT
    AXES_IPWARE_META_PRECEDENCE_ORDER = ["HTTP_X_FORWARDED_FOR", "REMOTE_ADDR"]

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Suanpan <no-reply@suanpan.example>")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LANGUAGE_COOKIE_AGE = 31_536_000
# Our own words, then what allauth says in other words than ours (it comes with a catalogue of its own).
LOCALE_PATHS = [BASE_DIR / "marketplace" / "locale", BASE_DIR / "marketplace" / "locale_of_allauth"]
TIME_ZONE = "UTC"
EXCHANGE_ZONE = env("EXCHANGE_ZONE", default="Asia/Shanghai")
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles" if DEPLOYED else None
MEDIA_ROOT = env.path("MEDIA_ROOT", default=str(private_services.DATA_DIR / "media"))
STATIC_STORAGE = "CompressedManifestStaticFilesStorage" if DEPLOYED else "CompressedStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": f"whitenoise.storage.{STATIC_STORAGE}"},
}
WHITENOISE_USE_FINDERS = not DEPLOYED

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["accounts.api.problems.ProblemRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api.bodies.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "accounts.api.pagination.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["accounts.api.filters.FilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "accounts.api.throttling.CallerThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env("API_RATE_ANONYMOUS", default="120/min"),
        "caller": env("API_RATE_CALLER", default="1200/min"),
        "licence": env("API_RATE_LICENCE", default="600/min"),
    },
    "NUM_PROXIES": PROXY_COUNT,
    "EXCEPTION_HANDLER": "accounts.api.problems.problem_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Suanpan",
    "VERSION": "1",
    "DESCRIPTION": (BASE_DIR / "docs" / "api.md").read_text(),
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "Jurisdiction": "accounts.models.Jurisdiction",
        "OrganisationActivity": "accounts.models.Organisation.Activity",
        "OrganisationTier": "accounts.models.Organisation.Tier",
        "Verification": "accounts.models.Organisation.Verification",
        "Hub": "listings.models.Hub",
        "FacilityKind": "listings.models.Facility.Kind",
        "CapacityStatus": "listings.models.Capacity.Status",
        "AlgorithmTask": "listings.models.Task",
        "AlgorithmModality": "listings.models.Modality",
        "AlgorithmStatus": "listings.models.Algorithm.Status",
        "LicencePlanStatus": "listings.models.LicencePlan.Status",
        "LicenceKind": "listings.models.LicencePlan.Kind",
        "LicenceTerritory": "listings.models.LicencePlan.Territory",
        "SeatBinding": "listings.models.LicencePlan.Binding",
        "DataClass": "listings.models.DataClass",
        "LicenceStanding": "settlement.licences.models.Standing",
        "OrderKind": "marketplace.trading.models.Order.Kind",
        "OrderStatus": "marketplace.trading.models.Order.Status",
        "OrderOutcome": "marketplace.trading.models.RoundOrder.Outcome",
        "RoundStatus": "marketplace.trading.models.Round.Status",
        "Rail": "settlement.payments.models.Rail",
        "PayoutSource": "settlement.payments.models.PayoutSource",
        "PayoutStatus": "settlement.payments.models.Payout.Status",
        "ContractKind": "settlement.contracts.models.Contract.Kind",
        "TerminationGround": "settlement.contracts.models.Ground",
        "TerminationProposalStatus": "settlement.contracts.models.TerminationProposal.Status",
        "ContractStatus": "settlement.contracts.models.Contract.Status",
        "InvoiceKind": "settlement.invoices.models.Invoice.Kind",
        "InvoiceSeries": "settlement.invoices.models.Invoice.Series",
        "FapiaoKind": "settlement.invoices.models.InvoiceProfile.Kind",
        "FapiaoStatus": "settlement.invoices.models.FapiaoRequest.Status",
        "InvoiceCycle": "settlement.invoices.models.InvoiceProfile.Cycle",
        "DeliveryState": "settlement.delivery.models.StateReport.State",
        "HourState": "settlement.delivery.queries.HourState",
        "DisputeStatus": "settlement.delivery.models.Dispute.Status",
        "DisputeMessageKind": "settlement.delivery.models.DisputeMessage.Kind",
        "TransferKind": "settlement.ledger.models.TransferKind",
        "WebhookEventKind": "accounts.models.EventKind",
        "WebhookDeliveryStatus": "accounts.models.WebhookDelivery.Status",
        "Currency": "settlement.ledger.models.Currency",
        "VoucherProgrammeStatus": "settlement.vouchers.models.Programme.Status",
        "VoucherApplicationStatus": "settlement.vouchers.models.Application.Status",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "marketplace.openapi.name_query_enums",
        "marketplace.openapi.close_requests",
        "marketplace.openapi.require_in_answers",
        "marketplace.openapi.describe_replays",
        "marketplace.openapi.describe_problems",
    ],
}

# Celery: the database is the queue's record, Redis only its bell; so results are not kept.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_VISIBILITY_TIMEOUT = CELERY_RESULT_VISIBILITY_TIMEOUT = 900
CELERY_BROKER_TRANSPORT_OPTIONS = CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": 900}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

# The exchange's own rules.
DEMO = env.bool("DEMO", default=False)  # pages say that the market is illustrative
ROUND_MINUTES = env.int("ROUND_MINUTES", default=5)
HORIZON_SLOTS = env.int("HORIZON_SLOTS", default=336)
FEE_BASIS_POINTS = env.int("FEE_BASIS_POINTS", default=200)
ALGORITHM_MAX_BYTES = env.int("ALGORITHM_MAX_BYTES", default=512_000_000)
# Where this exchange is on the web: what a contract's PDF leads to.
SITE_URL = (env("SITE_URL", default="") or "http://localhost:8000").rstrip("/")
# How long a version of the master agreement stays valid once a newer one is published.
AGREEMENT_GRACE_DAYS = env.int("AGREEMENT_GRACE_DAYS", default=30)
# What a buyer in breach leaves to the provider of the undelivered hours' price; each contract states its own.
BREAK_FEE_BASIS_POINTS = env.int("BREAK_FEE_BASIS_POINTS", default=1000)
ROUND_LEAD_HOURS = env.int("ROUND_LEAD_HOURS", default=0)
# Keys that encrypt access details, newest first; without any they are derived from SECRET_KEY.
ACCESS_KEYS = env.list("ACCESS_KEYS", default=[])
# Whether webhooks may go to http:// and to addresses that are not on the public internet.
WEBHOOKS_TO_PRIVATE = env.bool("WEBHOOKS_TO_PRIVATE", default=not DEPLOYED)
METER_REMINDER_HOURS = env.int("METER_REMINDER_HOURS", default=6)
UNMETERED_RETURN_HOURS = env.int("UNMETERED_RETURN_HOURS", default=72)
DISPUTE_WINDOW_DAYS = env.int("DISPUTE_WINDOW_DAYS", default=30)
DISPUTE_ANSWER_HOURS = env.int("DISPUTE_ANSWER_HOURS", default=120)
EVIDENCE_MAX_BYTES = env.int("EVIDENCE_MAX_BYTES", default=10_000_000)
# How long a licence's price stays in escrow for the buyer to look at it; each contract states its own.
LICENCE_ACCEPTANCE_DAYS = env.int("LICENCE_ACCEPTANCE_DAYS", default=7)
LICENCE_GRACE_DAYS = env.int("LICENCE_GRACE_DAYS", default=7)
LICENCE_LEASE_MINUTES = env.int("LICENCE_LEASE_MINUTES", default=15)
LICENCE_CACHE_MINUTES = env.int("LICENCE_CACHE_MINUTES", default=60)
PAYOUT_MINIMUM_FEN = env.int("PAYOUT_MINIMUM_FEN", default=10_000)
PAYOUT_ACCOUNT_WAIT_HOURS = env.int("PAYOUT_ACCOUNT_WAIT_HOURS", default=24)
# When the reconciliation says that money waits too long.
PAYOUT_AGES_AFTER_DAYS = env.int("PAYOUT_AGES_AFTER_DAYS", default=3)
SUSPENSE_AGES_AFTER_DAYS = env.int("SUSPENSE_AGES_AFTER_DAYS", default=7)
# Where buyers send their bank transfers; shown beside their reference code.
TOP_UP_BANK = {
    "holder": env("TOP_UP_BANK_HOLDER", default="") or gettext_lazy("Suanpan Exchange (demonstration)"),
    "bank": env("TOP_UP_BANK_NAME", default="") or gettext_lazy("Demonstration Bank, Shenzhen"),
    "account": env("TOP_UP_BANK_ACCOUNT", default="0000 0000 0000 0000"),
}
# The platform as it stands on invoices: it issues all of them, and sells its fee.
INVOICE_ISSUER = {
    "name_zh": env("INVOICE_ISSUER_NAME_ZH", default="算盘交易平台（演示）"),
    "name_en": env("INVOICE_ISSUER_NAME_EN", default="Suanpan Exchange (demonstration)"),
    "jurisdiction": env("INVOICE_ISSUER_JURISDICTION", default="mainland"),
    "registration_number": env("INVOICE_ISSUER_REGISTRATION_NUMBER", default="000000000000000000"),
    "title": env("INVOICE_ISSUER_NAME_ZH", default="算盘交易平台（演示）"),
    "tax_number": env("INVOICE_ISSUER_REGISTRATION_NUMBER", default="000000000000000000"),
    "address": env("INVOICE_ISSUER_ADDRESS", default=""),
    "phone": env("INVOICE_ISSUER_PHONE", default=""),
    "bank": env("TOP_UP_BANK_NAME", default=""),
    "bank_account": env("TOP_UP_BANK_ACCOUNT", default=""),
}
# Cards and Stripe Connect: offered where both secrets are set. A market charges in CNY, in HKD, or in both.
STRIPE_SECRET_KEY = env("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET = env("STRIPE_WEBHOOK_SECRET", default="")
STRIPE_API_BASE = env("STRIPE_API_BASE", default="https://api.stripe.com")
STRIPE_CURRENCIES = env.list("STRIPE_CURRENCIES", default=["CNY"])
# Where Stripe's own pages live: our forms lead there, which the content security policy must permit.
STRIPE_PAGES = env.list("STRIPE_PAGES", default=["https://checkout.stripe.com", "https://connect.stripe.com"])
FORM_TARGETS = STRIPE_PAGES if STRIPE_SECRET_KEY else []
CARD_TOP_UP_MINIMUM = env.int("CARD_TOP_UP_MINIMUM", default=10_000)
CELERY_BEAT_SCHEDULE = {
    "send due e-mail": {"task": "accounts.tasks.send_due_email", "schedule": crontab()},
    "deliver due webhooks": {"task": "accounts.tasks.deliver_due_webhooks", "schedule": crontab()},
    "forget old webhook events": {
        "task": "accounts.tasks.forget_old_webhook_events",
        "schedule": crontab(minute="35", hour="2"),
    },
    "forget old API requests": {
        "task": "accounts.tasks.forget_old_api_requests",
        "schedule": crontab(minute="30", hour="2"),
    },
    "close the gate": {
        "task": "marketplace.trading.tasks.run_due_round",
        "schedule": crontab(minute=f"*/{ROUND_MINUTES}"),
    },
    "expire holds": {"task": "settlement.ledger.tasks.expire_holds", "schedule": crontab()},
    "seal the ledger": {"task": "settlement.ledger.tasks.seal", "schedule": crontab()},
    "take up rounds left half-way": {
        "task": "marketplace.trading.tasks.resume_rounds",
        "schedule": crontab(),
    },
    "release delivered hours": {
        "task": "settlement.delivery.tasks.release_delivered_hours",
        "schedule": crontab(minute="1"),
    },
    "issue licences": {"task": "settlement.licences.tasks.issue", "schedule": crontab()},
    "take back the seats of crashed machines": {
        "task": "settlement.licences.tasks.reclaim",
        "schedule": crontab(),
    },
    "revoke the licences of terminated contracts": {
        "task": "settlement.licences.tasks.revoke",
        "schedule": crontab(),
    },
    "return the rest of closed programmes": {
        "task": "settlement.vouchers.tasks.return_rest",
        "schedule": crontab(minute="21"),
    },
    "remind of unmetered hours": {
        "task": "settlement.delivery.tasks.remind_providers",
        "schedule": crontab(minute="11"),
    },
    "invoice ended contracts": {
        "task": "settlement.invoices.tasks.invoice_contracts",
        "schedule": crontab(minute="21"),
    },
    "invoice the months that are over": {
        "task": "settlement.invoices.tasks.invoice_months",
        "schedule": crontab(minute="41"),
    },
    "pay out on schedule": {
        "task": "settlement.payments.tasks.pay_out_what_is_due",
        "schedule": crontab(minute="20", hour="*/6"),
    },
    "reconcile": {
        "task": "settlement.payments.tasks.reconcile_yesterday",
        "schedule": crontab(minute="40", hour="1"),
    },
    "make calls to Stripe left half-way": {
        "task": "settlement.payments.tasks.make_due_stripe_calls",
        "schedule": crontab(),
    },
    "process Stripe's events left half-way": {
        "task": "settlement.payments.tasks.process_due_stripe_events",
        "schedule": crontab(),
    },
    "collect arrears": {
        "task": "settlement.payments.tasks.collect_arrears",
        "schedule": crontab(minute="*/10"),
    },
    "begin payouts through Stripe": {
        "task": "settlement.payments.tasks.begin_stripe_payouts",
        "schedule": crontab(),
    },
    "catch up with Stripe": {
        "task": "settlement.payments.tasks.catch_up_with_stripe",
        "schedule": crontab(minute="10", hour="1"),
    },
}
CELERY_BEAT_SCHEDULE_FILENAME = env(
    "CELERY_BEAT_SCHEDULE_FILENAME", default=str(private_services.DATA_DIR / "celerybeat-schedule")
)
