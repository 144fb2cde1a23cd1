import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from shop.catalog.catalogue_file.exporting import export_catalogue


class Command(BaseCommand):
    help = "Write the catalogue to the CSV form that load_catalogue reads. Pictures are named, not copied."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv")

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            with NamedTemporaryFile(
                "w", encoding="utf-8", newline="", dir=file.parent, prefix=f".{file.name}.", delete=False
            ) as draft:
                # Whole or not at all: a torn file must not pass for a catalogue.
                try:
                    rows = export_catalogue(draft.file)
                except BaseException:
                    os.unlink(draft.name)
                    raise
            os.chmod(draft.name, 0o644)
            os.replace(draft.name, file)
        except OSError as error:
            raise CommandError(f"Cannot write {file}: {error.strerror}.") from None
        self.stdout.write(f"{rows} rows in {file}.")
