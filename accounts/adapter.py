"""What django-allauth tells people, in this house's words."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter

from accounts.secrets import decipher, encipher


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": "This account is closed.",
        "duplicate_email": "This address is in your account already.",
        "email_password_mismatch": "We know no account with this address and this password.",
        "email_taken": "There is an account with this address already.",
        "enter_current_password": "Please enter your present password.",
        "incorrect_password": "This is not your present password.",
        "max_email_addresses": "An account can have %d addresses at most.",
        "rate_limited": "That was a little often. Please wait a minute.",
        "too_many_login_attempts": "That was wrong too often. Please wait a few minutes, or set a new password.",
        "unverified_primary_email": "Please confirm this address before you sign in with it.",
    }


class MfaAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "add_email_blocked": "While a code is asked for at sign-in, no address can be added.",
        "cannot_generate_recovery_codes": "Please set up the authenticator app first.",
        "incorrect_code": "This code is not right. They change every half minute; please take the present one.",
        "unverified_email": "Please confirm your e-mail addresses first, or remove those that you cannot.",
    }

    def encrypt(self, text: str) -> str:
        return encipher(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decipher(encrypted_text)
