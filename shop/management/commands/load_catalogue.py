import argparse
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import transaction

from shop.catalog.catalogue_file.faults import CatalogueFaults, Fault
from shop.catalog.catalogue_file.images import load_images, new_pictures
from shop.catalog.catalogue_file.loading import Loaded, load_rows
from shop.catalog.catalogue_file.reading import Catalogue, read_catalogue
from shop.catalog.pictures import Kept, keep_all
from shop.inventory.stocktake import BelowReserved, count_stock
from shop.management.progress import Progress

HELP = """Load products, variants and stock from a CSV file, all of it or nothing.

One row is one variant. `product` (the slug) and `sku` stand on every row; the product's other columns are
written on its first row and may stay empty on the following ones. What has the slug or SKU already is updated,
what is not in the file stays. A column that is missing leaves what the shop has. `manage.py export_catalogue`
writes the same form; docs/catalogue.md lists the columns.
"""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv")
        parser.add_argument(
            "--images", type=Path, metavar="DIR", help="the folder with the pictures the file names"
        )
        parser.add_argument("--workers", type=int, default=2, help="pictures made at once (default: 2)")

    def handle(self, *, file: Path, images: Path | None, workers: int, **options: Any) -> None:
        progress = Progress(self.stderr, quiet=options["verbosity"] == 0)
        if images and not images.is_dir():
            raise CommandError(f"--images: {images} is not a folder.")
        try:
            data = file.read_bytes()
        except OSError as error:
            raise CommandError(f"Cannot read {file}: {error.strerror}.") from None
        try:
            catalogue = read_catalogue(data)
            kept = keep_pictures(catalogue, images, workers, progress)
            with progress.step("Rows", catalogue.rows) as step:
                loaded = load(catalogue, kept, file.name)
                step(catalogue.rows)
        except CatalogueFaults as error:
            found = len(error.faults)
            raise CommandError(
                f"{file.name} was not loaded: {found} fault{'s'[: found > 1]}.\n{error}"
            ) from None
        if options["verbosity"]:
            counted = f"{len(catalogue.products)} products in {catalogue.rows} variants"
            self.stdout.write(f"{counted}: {loaded.created} new, {loaded.changed} changed.")


def keep_pictures(
    catalogue: Catalogue, folder: Path | None, workers: int, progress: Progress
) -> dict[str, Kept]:
    """Before the transaction: encoding takes long, and what is kept twice is kept once."""
    new = new_pictures(catalogue, folder)
    with progress.step("Pictures", len(new)) as step:
        kept, wrong = keep_all(new, workers=workers, step=step)
    if wrong:
        raise CatalogueFaults(
            [Fault(new[path].line, "images", f"{path.name} {problem}") for path, problem in wrong.items()]
        )
    return {path.name: picture for path, picture in kept.items()}


@transaction.atomic
def load(catalogue: Catalogue, kept: dict[str, Kept], reference: str) -> Loaded:
    loaded = load_rows(catalogue)
    loaded.changed += load_images(catalogue, loaded.products, kept)
    try:
        loaded.changed += count_stock(loaded.counts, reference=reference[:64])
    except BelowReserved as error:
        raise CatalogueFaults(
            [
                Fault(loaded.lines[variant], "stock", f"{reserved} are reserved for orders, so not fewer")
                for variant, reserved in error.details["reserved"].items()  # type: ignore[attr-defined]
            ]
        ) from None
    return loaded
