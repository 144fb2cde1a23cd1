"""`python -m shop.demo.prints`: pull the masters, or lay all prints out on a contact sheet."""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter

from PIL import Image, ImageDraw

from . import MASTERS, render, slugs
from .plate import typeface
from .press import INK, PAPER

LARGEST = 430_000


def save(image: Image.Image, path: Path) -> None:
    """WebP, as good as fits: grain is dear, and nobody sees the difference between 84 and 70."""
    for quality in (84, 78, 72, 66, 60, 54, 48, 42):
        image.save(path, "WEBP", quality=quality, method=5)
        if path.stat().st_size <= LARGEST:
            return


def pull(slug: str, long_edge: int, out: Path) -> str:
    started = perf_counter()
    path = out / f"{slug}.webp"
    save(render(slug, long_edge), path)
    return f"{slug:32} {path.stat().st_size // 1000:5} kB {perf_counter() - started:6.1f} s"


def contact_sheet(path: Path, columns: int = 10, cell: int = 220) -> None:
    """Every print at thumbnail size with its slug beneath, from the masters where there are any."""
    names, gap, label = slugs(), 26, 30
    rows = -(-len(names) // columns)
    size = (columns * (cell + gap) + gap, rows * (cell + gap + label) + gap)
    sheet = Image.new("RGB", size, PAPER)
    type_ = typeface("sans", 13)
    draw = ImageDraw.Draw(sheet)
    for i, slug in enumerate(names):
        left, top = gap + i % columns * (cell + gap), gap + i // columns * (cell + gap + label)
        master = MASTERS / f"{slug}.webp"
        image = Image.open(master).convert("RGB") if master.exists() else render(slug, 800)
        image.thumbnail((cell, cell), Image.Resampling.LANCZOS)
        corner = (left + (cell - image.width) // 2, top + cell - image.height)
        draw.rectangle(
            (corner[0] - 1, corner[1] - 1, corner[0] + image.width, corner[1] + image.height), "#d8d0c0"
        )
        sheet.paste(image, corner)
        draw.text((left + cell / 2, top + cell + 20), slug, INK, type_, "ms")
    sheet.save(path, quality=76, method=6)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.demo.prints", description=__doc__)
    parser.add_argument("slug", nargs="*", help="which prints; all of them if none is named")
    parser.add_argument("--long-edge", type=int, default=2400)
    parser.add_argument("--out", type=Path, default=MASTERS)
    parser.add_argument("--contact-sheet", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.contact_sheet:
        contact_sheet(options.contact_sheet)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2) as press:
        job = partial(pull, long_edge=options.long_edge, out=options.out)
        for line in press.map(job, options.slug or slugs()):
            print(line, flush=True)


if __name__ == "__main__":
    main()
