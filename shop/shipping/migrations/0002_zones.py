"""Countries of methods become zones: those that the same methods served are one."""

from collections import defaultdict

import django.core.validators
import django.db.models.deletion
import django_countries.fields
import djmoney.models.fields
from django.db import migrations, models
from django_countries import countries


def make_zones(apps, schema_editor):
    Zone, Place, Method = (
        apps.get_model("shipping", name) for name in ("ShippingZone", "ShippingPlace", "ShippingMethod")
    )
    methods = {method.pk: method for method in Method.objects.all()}
    served = defaultdict(list)
    for method in methods.values():
        for country in method.countries:
            served[country.code].append(method.pk)
    together = defaultdict(list)
    for code, those in sorted(served.items()):
        together[tuple(those)].append(code)
    for those, codes in together.items():
        zone = Zone.objects.create(name=_name(codes))
        Place.objects.bulk_create(Place(zone=zone, country=code) for code in codes)
        for pk in those:
            methods[pk].zones.add(zone)


def _name(codes):
    names = [countries.name(code) or code for code in codes]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def name_countries(apps, schema_editor):
    """Back again; what only a zone can say is lost."""
    for method in apps.get_model("shipping", "ShippingMethod").objects.prefetch_related("zones__places"):
        places = [place for zone in method.zones.all() for place in zone.places.all()]
        method.countries = sorted({place.country.code for place in places if place.country})
        method.save(update_fields=["countries"])


class Migration(migrations.Migration):

    dependencies = [
        ("shipping", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name='ShippingZone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.AlterField(
            model_name='shippingmethod',
            name='free_from',
            field=models.DecimalField(blank=True, decimal_places=3, help_text='Goods total after discounts from which it costs nothing, in those zones.', max_digits=12, null=True),
        ),
        migrations.AlterField(
            model_name='shippingmethod',
            name='price',
            field=djmoney.models.fields.MoneyField(decimal_places=3, help_text='In zones that have no rates of their own below.', max_digits=12),
        ),
        migrations.AddField(
            model_name='shippingmethod',
            name='zones',
            field=models.ManyToManyField(blank=True, help_text='None means everywhere.', related_name='methods', to='shipping.shippingzone'),
        ),
        migrations.CreateModel(
            name='ShippingRate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('max_weight_g', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1)], verbose_name='up to grams')),
                ('goods_from', models.DecimalField(decimal_places=3, default=0, max_digits=12, validators=[django.core.validators.MinValueValidator(0)], verbose_name='for goods from')),
                ('price_currency', djmoney.models.fields.CurrencyField(choices=[('EUR', 'Euro')], default='EUR', editable=False, max_length=3)),
                ('price', djmoney.models.fields.MoneyField(decimal_places=3, help_text='0 makes it free from that much on.', max_digits=12)),
                ('method', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rates', to='shipping.shippingmethod')),
                ('zone', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rates', to='shipping.shippingzone')),
            ],
            options={
                'ordering': ['zone', 'max_weight_g', 'goods_from'],
                'constraints': [models.UniqueConstraint(fields=('method', 'zone', 'max_weight_g', 'goods_from'), name='one_shipping_rate_per_step'), models.CheckConstraint(condition=models.Q(('goods_from__gte', 0), ('price__gte', 0)), name='shipping_rate_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='ShippingPlace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region', models.CharField(blank=True, help_text='The code that addresses use, such as CA. Empty means all.', max_length=40)),
                ('postal_prefix', models.CharField(blank=True, help_text='How they begin, such as BT. Empty means all.', max_length=10, verbose_name='postal codes from')),
                ('country', django_countries.fields.CountryField(blank=True, max_length=2)),
                ('zone', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='places', to='shipping.shippingzone')),
            ],
            options={
                'ordering': ['country', 'region', 'postal_prefix'],
                'constraints': [models.UniqueConstraint(fields=('country', 'region', 'postal_prefix'), name='one_shipping_zone_per_place')],
            },
        ),
        migrations.RunPython(make_zones, name_countries),
    ]
