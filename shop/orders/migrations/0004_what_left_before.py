"""Orders that left before parcels had contents: everything was in the one parcel."""

from django.db import migrations
from django.db.models import F


def fill(apps, schema_editor):
    Shipment = apps.get_model("orders", "Shipment")
    ShipmentLine = apps.get_model("orders", "ShipmentLine")
    OrderLine = apps.get_model("orders", "OrderLine")
    OrderEvent = apps.get_model("orders", "OrderEvent")
    for shipment in Shipment.objects.filter(lines=None).order_by("pk").iterator():
        lines = OrderLine.objects.filter(order=shipment.order_id)
        if lines.filter(shipped__gt=0).exists():
            continue
        ShipmentLine.objects.bulk_create(
            ShipmentLine(shipment=shipment, order_line=line, quantity=line.quantity) for line in lines
        )
        lines.update(shipped=F("quantity"))
        arrived = OrderEvent.objects.filter(order=shipment.order_id, kind="delivered").first()
        if arrived:
            Shipment.objects.filter(pk=shipment.pk).update(delivered_at=arrived.created_at)


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_parcels")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
