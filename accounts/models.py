"""People who sign in, by e-mail address, and the addresses they keep."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django_countries.fields import CountryField


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email__iexact=email)


class User(AbstractUser):
    username = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once_whatever_case")]

    def __str__(self) -> str:
        return self.email


class PostalAddress(models.Model):
    """The fields of an address, wherever one is kept."""

    name = models.CharField("full name", max_length=120)
    company = models.CharField(max_length=120, blank=True)
    line1 = models.CharField("address", max_length=160)
    line2 = models.CharField("flat, floor", max_length=160, blank=True)
    city = models.CharField(max_length=120)
    region = models.CharField("county or state", max_length=120, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = CountryField()
    phone = models.CharField(max_length=40, blank=True)

    class Meta:
        abstract = True

    FIELDS = ("name", "company", "line1", "line2", "city", "region", "postal_code", "country", "phone")

    def as_lines(self) -> list[str]:
        town = " ".join(part for part in (self.postal_code, self.city) if part)
        parts = (
            self.name,
            self.company,
            self.line1,
            self.line2,
            town,
            self.region,
            self.get_country_display(),
        )
        return [part for part in parts if part]


class Address(PostalAddress):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="addresses")
    is_default = models.BooleanField(default=False)

    class Meta:
        ordering = ["-is_default", "-id"]
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(is_default=True), name="one_default_address_per_user"
            )
        ]

    def __str__(self) -> str:
        return ", ".join(self.as_lines())
