"""The pictures of the file: which are new, and the rows that show them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from django.db import transaction

from shop.catalog.catalogue_file.faults import CatalogueFaults, Fault
from shop.catalog.catalogue_file.reading import Catalogue
from shop.catalog.models import Product, ProductImage
from shop.catalog.pictures import Kept, file_of, forget, name_for

BATCH = 500


def new_pictures(catalogue: Catalogue, folder: Path | None) -> dict[Path, Fault]:
    """Files of `folder` that the shop does not have yet, each with the fault to report if it is no picture.

    Raises CatalogueFaults for pictures that are neither in the folder nor in the shop.
    """
    names = set(ProductImage.objects.values_list("product__slug", "picture"))
    had = {(slug, file_of(name)) for slug, name in names}
    new, faults = {}, []
    for row in catalogue.products:
        for picture in row.pictures:
            file = folder / picture.file if folder else None
            if file and file.is_file():
                if (row.slug, name_for(file, file.read_bytes())) not in names:
                    new[file] = Fault(row.line, "images", picture.file)
            elif (row.slug, picture.file) not in had:
                where = f"is not in {folder}" if folder else "is new; say where it is with --images"
                faults.append(Fault(row.line, "images", f"{picture.file} {where}"))
    if faults:
        raise CatalogueFaults(faults)
    return new


def load_images(catalogue: Catalogue, products: dict[str, Product], kept: dict[str, Kept]) -> int:
    """Makes each product's pictures those of the file, in its order. Returns how many that were there changed."""
    if not catalogue.has("images"):
        return 0
    had = _images_of([product.pk for product in products.values()])
    new: list[ProductImage] = []
    changed: list[ProductImage] = []
    unused: list[Kept] = []
    for row in catalogue.products:
        for position, picture in enumerate(row.pictures):
            image = had.pop((products[row.slug].pk, picture.file), None)
            if image is None:
                new.append(image := ProductImage(product=products[row.slug]))
            elif (picture.file in kept) or (image.alt, image.position) != (picture.alt, position):
                changed.append(image)
            if picture.file in kept:
                unused += [_kept(image)] if image.pk else []
                _show(image, kept[picture.file])
            image.alt, image.position = picture.alt, position
    unused += [_kept(image) for image in had.values()]
    _delete([image.pk for image in had.values()])
    ProductImage.objects.bulk_create(new, batch_size=BATCH)
    if changed:
        fields = ["picture", "width", "height", "tone", "alt", "position"]
        ProductImage.objects.bulk_update(changed, fields, batch_size=BATCH)
    transaction.on_commit(partial(_forget_unused, unused))
    return len(changed) + len(had)


def _images_of(products: list[int]) -> dict[tuple[int, str], ProductImage]:
    found = {}
    for start in range(0, len(products), BATCH):
        for image in ProductImage.objects.filter(product__in=products[start : start + BATCH]):
            found[image.product_id, file_of(image.picture.name)] = image
    return found


def _delete(ids: list[int]) -> None:
    for start in range(0, len(ids), BATCH):
        ProductImage.objects.filter(pk__in=ids[start : start + BATCH]).delete()


def _kept(image: ProductImage) -> Kept:
    return Kept(image.picture.name, image.width, image.height, image.tone)


def _show(image: ProductImage, kept: Kept) -> None:
    image.picture = kept.name
    image.width, image.height, image.tone = kept.width, kept.height, kept.tone


def _forget_unused(pictures: list[Kept]) -> None:
    shown = ProductImage.objects.filter(picture__in=[one.name for one in pictures])
    used = set(shown.values_list("picture", flat=True))
    for one in pictures:
        if one.name not in used:
            forget(one.name, one.width, one.height)
