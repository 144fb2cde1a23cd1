"""What `django-admin startproject` writes, word for word, and the little that a guest book and its sockets add."""

import os
from pathlib import Path
from typing import Any

import django
from django.core.management.utils import get_random_secret_key

_template = Path(django.__file__).parent / "conf/project_template/project_name/settings.py-tpl"
_words = {
    "{{ project_name }}": "guestbook",
    "{{ secret_key }}": get_random_secret_key(),
    "{{ django_version }}": django.get_version(),
    "{{ docs_version }}": "stable",
}
_text = _template.read_text()
for _word, _value in _words.items():
    _text = _text.replace(_word, _value)
INSTALLED_APPS: list[str] = []
TEMPLATES: list[Any] = [{}]
DATABASES: dict[str, Any] = {"default": {}}
exec(compile(_text, str(_template), "exec"))

INSTALLED_APPS = ["daphne", "channels", *INSTALLED_APPS]  # as the tutorial of Channels says
ROOT_URLCONF = "lab.defaults.django_site"
ASGI_APPLICATION = "lab.defaults.django_site.application"
TEMPLATES[0]["DIRS"] = [Path(__file__).parent / "templates"]
DATABASES["default"]["NAME"] = os.environ["GUESTBOOK_DATABASE"]
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
