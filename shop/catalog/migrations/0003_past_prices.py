"""What things cost before. Of those on sale now nothing else is known than the price without the sale."""

import django.db.models.deletion
import django.utils.timezone
import djmoney.models.fields
from django.db import migrations, models


def begin_with_the_full_price(apps, schema_editor):
    on_sale = apps.get_model("catalog", "Variant").objects.filter(sale_percent__gt=0)
    on_sale.update(prior_price=models.F("full_price"), prior_price_currency=models.F("full_price_currency"))


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0002_sale_prices'),
    ]

    operations = [
        migrations.CreateModel(
            name='PastPrice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('price_currency', djmoney.models.fields.CurrencyField(choices=[('EUR', 'Euro')], default='EUR', editable=False, max_length=3)),
                ('price', djmoney.models.fields.MoneyField(decimal_places=3, max_digits=12)),
                ('until', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='variant',
            name='prior_price',
            field=djmoney.models.fields.MoneyField(blank=True, decimal_places=3, default=None, editable=False, max_digits=12, null=True),
        ),
        migrations.AddField(
            model_name='variant',
            name='prior_price_currency',
            field=djmoney.models.fields.CurrencyField(choices=[('EUR', 'Euro')], default='EUR', editable=False, max_length=3, null=True),
        ),
        migrations.RunPython(begin_with_the_full_price, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='variant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('prior_price', None), ('sale_percent', 0)), models.Q(('prior_price__isnull', False), ('sale_percent__gt', 0)), _connector='OR'), name='variant_prior_price_only_on_sale'),
        ),
        migrations.AddField(
            model_name='pastprice',
            name='variant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='past_prices', to='catalog.variant'),
        ),
        migrations.AddIndex(
            model_name='pastprice',
            index=models.Index(fields=['variant', 'until'], name='catalog_pas_variant_ec2e70_idx'),
        ),
    ]
