"""A method without zones went everywhere, also one that had lost them; from now on it must say so."""

from django.db import migrations, models


def say_everywhere(apps, schema_editor):
    apps.get_model("shipping", "ShippingMethod").objects.filter(zones=None).update(everywhere=True)


def close_what_goes_nowhere(apps, schema_editor):
    """Back there it would go everywhere."""
    methods = apps.get_model("shipping", "ShippingMethod").objects
    methods.filter(zones=None, everywhere=False).update(active=False)
    for method in methods.filter(everywhere=True):
        method.zones.clear()


class Migration(migrations.Migration):

    dependencies = [("shipping", "0003_no_countries")]

    operations = [
        migrations.AddField(
            model_name="shippingmethod",
            name="everywhere",
            field=models.BooleanField(default=False, help_text="To any address; else to these zones alone."),
        ),
        migrations.AlterField(
            model_name="shippingmethod",
            name="zones",
            field=models.ManyToManyField(blank=True, related_name="methods", to="shipping.shippingzone"),
        ),
        migrations.RunPython(say_everywhere, close_what_goes_nowhere),
    ]
