"""Settings: one file, everything from the environment, explained in .env.example.

Two modes share all code. `embedded` (the default) needs nothing but this repository: SQLite, the
in-process channel layer and the Stripe sandbox that ships with the shop. `production` refuses to start
on an environment that is insecure or half set, naming the variable.
"""

import contextlib
import os
import secrets
import tempfile
from datetime import timedelta
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from shop.backoffice.theme import UNFOLD as UNFOLD
from shop.pool import GIVES_UP_AFTER, begin_anew

ROOT = Path(__file__).resolve().parent.parent

env = environ.Env()
if (ROOT / ".env").exists():
    env.read_env(ROOT / ".env")

MODE = env.str("BREAKWATER_MODE", default="embedded")
if MODE not in {"embedded", "production"}:
    raise ImproperlyConfigured(f"BREAKWATER_MODE is {MODE!r}; it can be 'embedded' or 'production'.")
PRODUCTION = MODE == "production"
DEMO = env.bool("BREAKWATER_DEMO", default=False)
DEBUG = env.bool("DEBUG", default=False)

DATA_DIR = Path(env.str("BREAKWATER_DATA", default=str(ROOT / "data"))).resolve()


def _kept_secret(name: str) -> str:
    """A secret made once for this data folder, so that a restart signs nobody out."""
    path = DATA_DIR / name
    if not path.exists():
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        # Written beside and linked: whoever reads it finds all of it, also if we are killed in between.
        handle, draft = tempfile.mkstemp(dir=DATA_DIR, prefix=f".{name}-")
        with open(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    return path.read_text()


# --- Where we are -------------------------------------------------------------------------------

PUBLIC_URL = env.str("PUBLIC_URL", default="" if PRODUCTION else "http://localhost:8000").rstrip("/")
_scheme, _, _host = PUBLIC_URL.partition("://")
SECRET_KEY = env.str("SECRET_KEY", default="") or ("" if PRODUCTION else _kept_secret("secret_key"))
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=[_host.partition(":")[0]] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"],
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if _host else []
NOTIFICATIONS_ALLOWED_ORIGINS = env.list(
    "NOTIFICATIONS_ALLOWED_ORIGINS", default=[PUBLIC_URL] if _host else []
)
NOTIFICATIONS_SAME_HOST_ORIGIN = not PRODUCTION
NOTIFICATIONS_PROBLEMS = "/api/v1/problems/"  # what the codes of refusals mean
# Off: each socket of `serve` on Twisted's transport and Autobahn's protocol, as Daphne has it (docs/sockets.md).
NOTIFICATIONS_LEAN_SOCKETS = env.bool("LEAN_SOCKETS", default=True)

# --- Applications -------------------------------------------------------------------------------

INSTALLED_APPS = [
    "notifications",
    "accounts",
    "shop.catalog",
    "shop.inventory",
    "shop.alerts",
    "shop.drops",
    "shop.promotions",
    "shop.giftcards",
    "shop.pricing",
    "shop.shipping",
    "shop.cart",
    "shop.idempotency",
    "shop.invoices",
    "shop.orders",
    "shop.checkout",
    "shop.payments",
    "shop.returns",
    "shop.desk",
    "shop.storefront",
    "shop.api",
    "shop.backoffice",
    "shop.demo",
    "shop",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "shop.backoffice.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.headless",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_countries",
    "djmoney",
    "treebeard",
    "pictures",
    "django_htmx",
    "django_tasks_db",
    "servestatic",
]
if not PRODUCTION:
    INSTALLED_APPS.append("lab")  # how far this goes, measured: `manage.py lab`

# Every middleware here can run asynchronously: one that could not would hold a thread for as long as an
# asynchronous view waits.
MIDDLEWARE = [
    "shop.request_ids.request_ids",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "shop.urls"
ASGI_APPLICATION = "shop.asgi.application"
WSGI_APPLICATION = "shop.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop.storefront.context.shop",
            ],
            "builtins": ["django.templatetags.static"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Data ---------------------------------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'shop.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["ENGINE"] = "shop.sqlite3"
    DATABASES["default"]["OPTIONS"] = {
        # Writers queue at BEGIN instead of failing when a read turns into a write.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
    }
else:
    # Under ASGI each request runs in a thread of its own: persistent connections would pile up, a pool does not.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = (
        True  # after a restart of the database nobody gets a dead one
    )
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {  # beside what the URL says, such as sslmode
        "min_size": env.int("DATABASE_POOL_MIN", default=2),
        "max_size": env.int("DATABASE_POOL_MAX", default=16),
        "timeout": env.int("DATABASE_POOL_TIMEOUT", default=20),
        "reconnect_timeout": GIVES_UP_AFTER,
        "reconnect_failed": begin_anew,
    }

REDIS_URL = env.str("REDIS_URL", default="")
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "shop.caching.FailoverCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
        }
    }
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL]},
        }
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

# Rows of the same database, so that a task is enqueued in the transaction that needs it.
TASKS = {
    "default": {
        "BACKEND": "django_tasks_db.DatabaseBackend",
        "QUEUES": ["default", "payments", "pictures"],
    }
}

STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(ROOT / "staticfiles"))
MEDIA_URL = "/media/"
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(DATA_DIR / "media"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "shop.static_files.ModuleStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
SERVESTATIC_USE_FINDERS = not PRODUCTION
SERVESTATIC_MAX_AGE = 60

PICTURES = {
    "BREAKPOINTS": {"s": 700, "m": 1000, "l": 1440},
    # Four widths, 320 to 1280 pixels; zooming shows the picture itself. Templates count in columns of twelve.
    "GRID_COLUMNS": 4,
    "CONTAINER_WIDTH": 1280,
    "FILE_TYPES": ["AVIF"],
    "PICTURE_CLASS": "shop.catalog.pictures.QuickPicture",
    "PIXEL_DENSITIES": [1],
    "USE_PLACEHOLDERS": False,
}

# --- People -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "storefront:account"
LOGOUT_REDIRECT_URL = "storefront:home"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_ADAPTER = "shop.account_letters.AccountAdapter"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "signup": "accounts.forms.SignupForm",
    "add_email": "accounts.forms.AddEmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
}
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_MAX_EMAIL_ADDRESSES = 10
# Changes to who may sign in, and how, ask for the password or a code once more.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_REDIRECT_URL = "storefront:home"
MFA_ADAPTER = "accounts.adapter.MfaAdapter"
MFA_TOTP_ISSUER = "Breakwater"
MFA_TOTP_TOLERANCE = 1  # periods of half a minute: telephones go fast or slow
MFA_FORMS = {
    "authenticate": "accounts.forms.AuthenticateForm",
    "reauthenticate": "accounts.forms.ReauthenticateByCodeForm",
    "activate_totp": "accounts.forms.ActivateTotpForm",
}
# Apps sign in by tokens that last minutes; each is looked up, so that signing out ends it at once.
HEADLESS_CLIENTS = ("app",)
HEADLESS_TOKEN_STRATEGY = "allauth.headless.tokens.strategies.jwt.JWTTokenStrategy"
HEADLESS_JWT_ALGORITHM = "HS256"  # with SECRET_KEY: nobody but this shop reads them
HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = True
HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = 5 * 60
HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN = 14 * 24 * 60 * 60
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PRODUCTION else "http"

# --- Money and payment --------------------------------------------------------------------------

DEFAULT_CURRENCY = env.str("CURRENCY", default="EUR")
CURRENCIES = [DEFAULT_CURRENCY]
CURRENCY_CODE_MAX_LENGTH = 3
SHOP_COUNTRY = env.str("SHOP_COUNTRY", default="IE")
# The header in which a proxy that we trust says from which country a request comes, such as CF-IPCountry.
COUNTRY_HEADER = env.str("COUNTRY_HEADER", default="")
# The EU's register of VAT ids, asked at checkout when set: https://ec.europa.eu/taxation_customs/vies/rest-api
VIES_URL = env.str("VIES_URL", default="").rstrip("/")
VIES_DEADLINE_SECONDS = env.float("VIES_DEADLINE_SECONDS", default=3.0)
STOCK_WAYS = [f"shop.inventory.taking.{way}" for way in ("guarded", "row_lock", "advisory_lock")]
STOCK_TAKING = env.str("STOCK_TAKING", default=STOCK_WAYS[0])
# How long after a parcel arrived the buyer may ask to send something of it back.
RETURN_DAYS = env.int("RETURN_DAYS", default=30)
RESERVATION_MINUTES = env.int("RESERVATION_MINUTES", default=30)

STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_PUBLISHABLE_KEY = env.str("STRIPE_PUBLISHABLE_KEY", default="")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
SANDBOX = not STRIPE_SECRET_KEY and not PRODUCTION
# Where this shop reaches its own sandbox: the address it listens on.
SANDBOX_URL = env.str("SANDBOX_URL", default=PUBLIC_URL)
if SANDBOX:
    STRIPE_SECRET_KEY, STRIPE_PUBLISHABLE_KEY = "sk_test_sandbox", "pk_test_sandbox"
    STRIPE_WEBHOOK_SECRET = "whsec_" + _kept_secret("webhook_secret")
    STRIPE_API_BASE = f"{SANDBOX_URL}/sandbox/stripe"
    STRIPE_JS = "/sandbox/stripe/js/stripe.js"
    STRIPE_DISPUTES = f"{PUBLIC_URL}/sandbox/#disputes"
else:
    STRIPE_API_BASE = "https://api.stripe.com"
    STRIPE_JS = "https://js.stripe.com/basil/stripe.js"
    STRIPE_DISPUTES = "https://dashboard.stripe.com/disputes/{}"
# "at_shipping" only holds the money when an order is placed, and takes it when the first parcel leaves.
PAYMENT_CAPTURE = env.str("PAYMENT_CAPTURE", default="now")
if PAYMENT_CAPTURE not in ("now", "at_shipping"):
    raise ImproperlyConfigured("PAYMENT_CAPTURE: is now or at_shipping.")
# Accounts may keep cards, at the provider, for their next orders.
SAVED_CARDS = env.bool("SAVED_CARDS", default=False)
# Who hears of disputes and of money that went astray; without it, staff who may see payments.
MONEY_ALERTS_TO = env.list("MONEY_ALERTS_TO", default=[])

CARRIERS = env.dict("CARRIERS", default={})
if SANDBOX and not CARRIERS:
    CARRIERS = {name: f"{SANDBOX_URL}/sandbox/carriers/{name}" for name in ("tideway", "gannet")}
# Where a carrier shows a parcel to whoever has its number, by the carrier's name in small letters.
TRACKING_URLS = env.dict("TRACKING_URLS", default={})
if SANDBOX and not TRACKING_URLS:
    TRACKING_URLS = {
        name: f"{PUBLIC_URL}/sandbox/carriers/{name}/track/{{number}}" for name in ("tideway", "gannet")
    }
CARRIER_DEADLINE_SECONDS = env.float("CARRIER_DEADLINE_SECONDS", default=2.0)

# Who sells, as its invoices must say. The defaults belong to the demo.
SELLER = {
    "name": env.str("SELLER_NAME", default="Breakwater Prints Ltd"),
    "address": env.str(
        "SELLER_ADDRESS", default="1 Lighthouse Quay | Howth, Dublin D13 A0X0 | Ireland"
    ).split(" | "),
    "vat_id": env.str("SELLER_VAT_ID", default="IE0000000AA"),
    "email": env.str("SELLER_EMAIL", default="harbour@breakwater.example"),
}

# --- Mail ---------------------------------------------------------------------------------------

SHOP_NAME = "Breakwater"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Breakwater <harbour@breakwater.example>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
MAIL_DIR = DATA_DIR / "mail"
if _mail := env.str("EMAIL_URL", default=""):
    _parsed = env.email_url("EMAIL_URL")
    MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {
                "host": _parsed["EMAIL_HOST"],
                "port": _parsed["EMAIL_PORT"],
                "username": _parsed["EMAIL_HOST_USER"] or "",
                "password": _parsed["EMAIL_HOST_PASSWORD"] or "",
                "use_tls": _parsed.get("EMAIL_USE_TLS", False),
                "use_ssl": _parsed.get("EMAIL_USE_SSL", False),
                "timeout": 20,
            },
        }
    }
else:
    MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "OPTIONS": {"file_path": str(MAIL_DIR)},
        }
    }

# News by e-mail waits for the reader, comes in one mail and keeps away at night (hours of TIME_ZONE).
NOTIFICATIONS_DIGEST = {
    "quiet": timedelta(minutes=env.int("DIGEST_QUIET_MINUTES", default=15)),
    "pause": timedelta(hours=env.int("DIGEST_PAUSE_HOURS", default=4)),
    "night": (env.int("DIGEST_NIGHT_FROM", default=21), env.int("DIGEST_NIGHT_UNTIL", default=8)),
}

# --- Language, time, security -------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
USE_I18N = True
SILENCED_SYSTEM_CHECKS: list[str] = []

# https://docs.stripe.com/security/guide#content-security-policy
_stripe_js = [] if SANDBOX else ["https://js.stripe.com", "https://*.js.stripe.com"]
_stripe_api = [] if SANDBOX else ["https://api.stripe.com"]
_stripe_frames = [] if SANDBOX else [*_stripe_js, "https://hooks.stripe.com"]
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, *_stripe_js],
    "worker-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF, *_stripe_api],
    "frame-src": [CSP.SELF, *_stripe_frames],
    "frame-ancestors": [CSP.NONE],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "object-src": [CSP.NONE],
}
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 60 * 60 * 24 * 60
PLACE_COOKIE_PREFIX = "place-"  # and the slug of the drop in whose line it is
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=60 * 60 * 24 * 365)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
    SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "shop.api.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["shop.api.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "EXCEPTION_HANDLER": "shop.api.refusals.explain",
    "URL_FORMAT_OVERRIDE": None,
}
# How many in how many seconds, for one account or one guest's address: API_LIMITS=read=600/60,write=120/60
_limits = {"read": "600/60", "write": "120/60", "sign-in": "20/60", "code": "20/60", "checkout": "30/60"}
_limits |= env.dict("API_LIMITS", default={})
API_LIMITS = {name: tuple(map(int, limit.split("/"))) for name, limit in _limits.items()}
# What a process keeps of public answers as they were rendered (shop/rendered.py); 0 keeps none.
API_RENDERED_BYTES = env.int("API_RENDERED_BYTES", default=16 * 1024 * 1024)
# Whether guests get those ahead of Django (shop/ahead/), which is quicker.
AHEAD_OF_DJANGO = env.bool("AHEAD_OF_DJANGO", default=True)
# Whether requests share threads and have none where they need none (shop/handler.py).
LEAN_HANDLER = env.bool("LEAN_HANDLER", default=True)
# Whether whole answers take the short way to the socket (shop/daphne_http.py).
LEAN_HTTP = env.bool("LEAN_HTTP", default=True)
# Whether `serve` works on tasks and jobs itself (shop/background.py); else a process of their own does.
BACKGROUND = env.bool("BACKGROUND", default=not PRODUCTION)
SPECTACULAR_SETTINGS = {
    "TITLE": "Breakwater",
    "DESCRIPTION": (
        "Everything that the shop's pages can do, for apps.\n\n"
        "- **Refusals** are problems (RFC 9457): programs read `code`, people `detail`; name `request_id` to us.\n"
        "- **Writes** take an `Idempotency-Key`: sent again with it, a request has no second effect, "
        "and the first answer comes again.\n"
        "- **Reads** have an `ETag`; lists come in pages, and `next` is used as it is.\n"
        "- **Guests** buy too: `Cart-Token` is their cart, the public id of an order opens it.\n"
        "- **Live**: where an answer has a `stream`, follow it from that position and miss nothing.\n\n"
        "A purchase from the first call to the parcel is in docs/api.md."
    ),
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "AUTHENTICATION_WHITELIST": ["shop.api.authentication.BearerAuthentication"],
    "PREPROCESSING_HOOKS": ["shop.api.events.with_doors"],
    "ENUM_NAME_OVERRIDES": {
        "AlertKind": "shop.alerts.models.Alert.Kind",
        "DocumentKind": "shop.invoices.models.Document.Kind",
        "OrderStatus": "shop.orders.models.Order.Status",
        "PaymentStatus": "shop.payments.models.Payment.Status",
        "RefundStatus": "shop.payments.models.Refund.Status",
        "ReturnReason": "shop.returns.models.Return.Reason",
        "ReturnStatus": "shop.returns.models.Return.Status",
        "ReturnWish": "shop.returns.models.Return.Wish",
        "TaxTreatment": "shop.orders.models.Order.TaxTreatment",
    },
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},  # a host of theirs
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

if DEMO:
    # Browsers do not tell ports apart: two demos on one machine would sign each other out.
    _port = _host.rpartition(":")[2]
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"sessionid_{_port}", f"csrftoken_{_port}"
    PLACE_COOKIE_PREFIX = f"place_{_port}-"

METRICS_PORT = env.int("METRICS_PORT", default=0)
METRICS_HOST = env.str("METRICS_HOST", default="127.0.0.1")

LOG_FORMAT = env.str("LOG_FORMAT", default="json" if PRODUCTION else "line")
if LOG_FORMAT not in {"json", "line"}:
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}; it can be 'json' or 'line'.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "shop.logs.LineFormatter"}, "json": {"()": "shop.logs.JsonLines"}},
    "filters": {"outages": {"()": "shop.outages.InOneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {
        "django.request": {"level": "ERROR", "filters": ["outages"]},
        "django.tasks": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "twisted": {"level": "ERROR"},  # below that it names clients
        "stripe": {"level": "WARNING"},
    },
}


def _production_faults() -> list[str]:
    """What makes this environment unfit for production, each naming its variable."""
    faults = []
    if len(SECRET_KEY) < 50:
        faults.append("SECRET_KEY: set it to a random string of at least 50 characters.")
    if DEBUG:
        faults.append("DEBUG: must be off in production.")
    if DEMO:
        faults.append("BREAKWATER_DEMO: the demo's accounts and knobs must not be in production.")
    if _scheme != "https" or not _host:
        faults.append("PUBLIC_URL: must be the shop's https:// address.")
    if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        faults.append("DATABASE_URL: production needs PostgreSQL (postgres://...).")
    if not REDIS_URL and env.int("WEB_PROCESSES", default=2) > 1:
        faults.append("REDIS_URL: more than one process needs Redis or Valkey (or set WEB_PROCESSES=1).")
    if not env.str("EMAIL_URL", default=""):
        faults.append("EMAIL_URL: production needs a mail server (smtp+tls://user:password@host:port).")
    if not STRIPE_SECRET_KEY:
        faults.append("STRIPE_SECRET_KEY: production takes real payments.")
    for name in ("SELLER_NAME", "SELLER_ADDRESS", "SELLER_VAT_ID"):
        if not env.str(name, default=""):
            faults.append(f"{name}: invoices must say who sells.")
    if STRIPE_SECRET_KEY and not STRIPE_PUBLISHABLE_KEY:
        faults.append("STRIPE_PUBLISHABLE_KEY: missing beside STRIPE_SECRET_KEY.")
    if STOCK_TAKING not in STOCK_WAYS:
        faults.append("STOCK_TAKING: not one of the three ways in shop.inventory.taking.")
    if STRIPE_SECRET_KEY and not STRIPE_WEBHOOK_SECRET:
        faults.append("STRIPE_WEBHOOK_SECRET: missing; without it no payment would be noticed.")
    return faults


if PRODUCTION and (_faults := _production_faults()):
    raise ImproperlyConfigured("Not fit for production:\n  " + "\n  ".join(_faults))
if not PRODUCTION and STRIPE_SECRET_KEY.startswith("sk_live_"):
    raise ImproperlyConfigured("STRIPE_SECRET_KEY: a live key needs BREAKWATER_MODE=production.")
if not SANDBOX and not STRIPE_WEBHOOK_SECRET:
    raise ImproperlyConfigured("STRIPE_WEBHOOK_SECRET: missing beside STRIPE_SECRET_KEY.")
