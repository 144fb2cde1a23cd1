"""Rates move from countries into zones. A country that had rates becomes a zone of the same name."""

import django.db.models.deletion
import django_countries.fields
from django.db import migrations, models
from django_countries import countries

VAT_UNION = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
)


def make_zones(apps, schema_editor):
    TaxZone, TaxRate = apps.get_model("pricing", "TaxZone"), apps.get_model("pricing", "TaxRate")
    for code in TaxRate.objects.order_by("country").values_list("country", flat=True).distinct():
        name = countries.name(code) or code
        zone = TaxZone.objects.create(country=code, name=name, in_vat_union=code in VAT_UNION)
        TaxRate.objects.filter(country=code).update(zone=zone)


def name_countries(apps, schema_editor):
    """Back again; what only a zone can say is lost."""
    TaxRate = apps.get_model("pricing", "TaxRate")
    for rate in TaxRate.objects.select_related("zone"):
        TaxRate.objects.filter(pk=rate.pk).update(country=rate.zone.country)


class Migration(migrations.Migration):

    dependencies = [
        ("pricing", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="TaxZone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("country", django_countries.fields.CountryField(max_length=2)),
                ("region", models.CharField(blank=True, help_text="The code that addresses use, such as CA. Empty means all.", max_length=40)),
                ("postal_prefix", models.CharField(blank=True, help_text="How they begin, such as BT. Empty means all.", max_length=10, verbose_name="postal codes from")),
                ("name", models.CharField(max_length=80)),
                ("prices", models.CharField(choices=[("included", "Include the tax"), ("added", "Tax is added to them")], default="included", max_length=10, verbose_name="listed prices")),
                ("taxes_shipping", models.BooleanField(default=True, verbose_name="shipping is taxed")),
                ("in_vat_union", models.BooleanField(default=False, help_text="Businesses there, outside our own country, account for the tax themselves.", verbose_name="in the EU's VAT area")),
            ],
            options={
                "ordering": ["country", "region", "postal_prefix"],
                "constraints": [models.UniqueConstraint(fields=("country", "region", "postal_prefix"), name="one_tax_zone_per_place")],
            },
        ),
        migrations.RemoveConstraint(model_name="taxrate", name="one_rate_per_country_and_class"),
        migrations.AddField(
            model_name="taxrate",
            name="zone",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="rates", to="pricing.taxzone"),
        ),
        migrations.AlterField(
            model_name="taxrate",
            name="country",
            field=django_countries.fields.CountryField(max_length=2, default=""),
        ),
        migrations.RunPython(make_zones, name_countries),
    ]
