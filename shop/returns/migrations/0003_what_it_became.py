"""What was set aside before it was kept for which print."""

from django.db import migrations


def fill(apps, schema_editor):
    Return = apps.get_model("returns", "Return")
    OrderLine = apps.get_model("orders", "OrderLine")
    for asked in Return.objects.filter(status="exchanged").exclude(replacement=None).iterator():
        line = OrderLine.objects.filter(order=asked.replacement_id).order_by("pk").first()
        asked.gave.filter(status="exchanged", became=None).update(became=line)


class Migration(migrations.Migration):
    dependencies = [("returns", "0002_what_it_gave"), ("payments", "0010_carried_refunds")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
