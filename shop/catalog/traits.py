"""What products state of themselves, and what their variants differ in."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Attribute(models.Model):
    """A named fact that products can state, of one type: `artist's inks`, `year`, `hand-numbered`."""

    class Kind(models.TextChoices):
        TEXT = "text"
        NUMBER = "number"
        BOOLEAN = "boolean"

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.TEXT)
    unit = models.CharField(max_length=20, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class ProductAttribute(models.Model):
    product = models.ForeignKey("catalog.Product", on_delete=models.CASCADE, related_name="attributes")
    attribute = models.ForeignKey(Attribute, on_delete=models.PROTECT, related_name="values")
    text = models.CharField(max_length=200, blank=True)
    number = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    boolean = models.BooleanField(null=True, blank=True)

    class Meta:
        ordering = ["attribute__position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["product", "attribute"], name="attribute_once_per_product"),
            models.CheckConstraint(
                condition=(~Q(text="") & Q(number=None) & Q(boolean=None))
                | (Q(text="") & Q(number__isnull=False) & Q(boolean=None))
                | (Q(text="") & Q(number=None) & Q(boolean__isnull=False)),
                name="attribute_has_one_value",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attribute}: {self.value}"

    @property
    def value(self) -> str:
        if self.number is not None:
            return f"{self.number.normalize():f} {self.attribute.unit}".strip()
        if self.boolean is not None:
            return "Yes" if self.boolean else "No"
        return self.text


class Option(models.Model):
    """What variants of a product differ in: size, paper, frame."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class OptionValue(models.Model):
    option = models.ForeignKey(Option, on_delete=models.CASCADE, related_name="values")
    code = models.SlugField(max_length=60)
    label = models.CharField(max_length=80)
    swatch = models.CharField(
        max_length=7, blank=True, help_text="A colour such as #8a6423, where one says more."
    )
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["option__position", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["option", "code"], name="option_value_code_once")]

    def __str__(self) -> str:
        return self.label
