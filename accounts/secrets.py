"""What signs somebody in is kept enciphered with a key of SECRET_KEY: a copy of the database opens nothing."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac


def encipher(text: str) -> str:
    return _keys().encrypt(text.encode()).decode()


def decipher(text: str) -> str:
    return _keys().decrypt(text.encode()).decode()


def _keys() -> MultiFernet:
    """The first one enciphers; the keys before it still open what they closed."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [salted_hmac("accounts.secrets", "", secret, algorithm="sha256").digest() for secret in secrets]
    return MultiFernet([Fernet(urlsafe_b64encode(digest)) for digest in digests])
