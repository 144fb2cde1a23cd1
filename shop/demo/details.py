"""The second picture of each print: a part of it at full size. details.csv says where, in percent."""

from __future__ import annotations

import csv
from pathlib import Path

from PIL import Image

CENTRES = Path(__file__).with_suffix(".csv")
SHARE = 0.4


def centres() -> dict[str, tuple[int, int]]:
    with open(CENTRES, encoding="utf-8", newline="") as file:
        return {row["print"]: (int(row["x"]), int(row["y"])) for row in csv.DictReader(file)}


def crop_detail(master: Path, centre: tuple[int, int], to: Path) -> None:
    with Image.open(master) as image:
        width, height = round(image.width * SHARE), round(image.height * SHARE)
        left = round(image.width * centre[0] / 100 - width / 2)
        top = round(image.height * centre[1] / 100 - height / 2)
        image.crop((left, top, left + width, top + height)).save(to, "WEBP", quality=84, method=1)
