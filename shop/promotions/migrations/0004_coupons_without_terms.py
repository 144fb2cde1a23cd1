import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("promotions", "0003_coupons_open_offers"),
    ]

    operations = [
        # With defaults, so that the way back has something to put into the rows.
        migrations.AlterField(
            model_name="coupon", name="percent", field=models.PositiveSmallIntegerField(default=1)
        ),
        migrations.AlterField(
            model_name="coupon", name="starts_at", field=models.DateTimeField(default=django.utils.timezone.now)
        ),
        migrations.RemoveField(model_name="coupon", name="ends_at"),
        migrations.RemoveField(model_name="coupon", name="percent"),
        migrations.RemoveField(model_name="coupon", name="starts_at"),
        migrations.AlterField(
            model_name="coupon",
            name="offer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="coupons", to="promotions.offer"
            ),
        ),
    ]
