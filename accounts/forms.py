"""django-allauth's forms with this house's labels."""

from typing import Any

from allauth.account import forms
from allauth.account.adapter import get_adapter
from allauth.headless.account import inputs
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp

from accounts.models import User

LABELS = {
    "login": "E-mail address",
    "email": "E-mail address",
    "remember": "Keep me signed in on this device",
    "password1": "Password",
    "password2": "The same password again",
    "oldpassword": "Present password",
    "code": "Code",
}
PASSWORD_HINT = "Eight characters at least. A few words in a row are easy to keep and hard to guess."


class Labelled:
    """The label says what a field is; a placeholder that repeats it would vanish on the first key."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():  # type: ignore[attr-defined]
            field.label = LABELS.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)
        if "code" in self.fields:  # type: ignore[attr-defined]
            self.fields["code"].widget.attrs["inputmode"] = "numeric"  # type: ignore[attr-defined]
        if "password1" in self.fields:  # type: ignore[attr-defined]
            self.fields["password1"].help_text = PASSWORD_HINT  # type: ignore[attr-defined]


class LoginForm(Labelled, forms.LoginForm):
    pass


class SignupForm(Labelled, forms.SignupForm):
    pass


class SignupInput(inputs.SignupInput):
    """An app's sign-up. allauth's own looks at the password alone, and takes the address itself for one."""

    def clean_password(self) -> Any:
        user = User(email=self.cleaned_data.get("email", ""))
        return get_adapter().clean_password(self.cleaned_data["password"], user=user)


class AddEmailForm(Labelled, forms.AddEmailForm):
    pass


class ChangePasswordForm(Labelled, forms.ChangePasswordForm):
    pass


class SetPasswordForm(Labelled, forms.SetPasswordForm):
    pass


class ResetPasswordForm(Labelled, forms.ResetPasswordForm):
    pass


class ResetPasswordKeyForm(Labelled, forms.ResetPasswordKeyForm):
    pass


class ReauthenticateForm(Labelled, forms.ReauthenticateForm):
    pass


class AuthenticateForm(Labelled, mfa.AuthenticateForm):
    pass


class ReauthenticateByCodeForm(Labelled, mfa.ReauthenticateForm):
    pass


class ActivateTotpForm(Labelled, totp.ActivateTOTPForm):
    pass
