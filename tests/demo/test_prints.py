"""The committed masters are what the presses print: same pictures, same bytes, no two alike."""

from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from shop.demo import prints

SAMPLE = ["swell-first-light", "storm-strike", "isobars-storm-ada", "soundings-kell-bay"]


def thumbnail(image, edge=64):
    """Small and square, so that pictures of any format compare: floats 0..255 (edge, edge, 3)."""
    return np.asarray(image.convert("RGB").resize((edge, edge), Image.Resampling.BOX), dtype=float)


@pytest.fixture(scope="module")
def masters():
    found = {}
    for slug in prints.slugs():
        with Image.open(prints.master(slug)) as image:
            found[slug] = (image.size, thumbnail(image))
    return found


def test_every_print_has_a_master_2400_pixels_long(masters):
    assert len(masters) >= 24
    assert {max(size) for size, _ in masters.values()} == {2400}


def test_every_master_is_portrait_landscape_or_square(masters):
    assert {size for size, _ in masters.values()} <= {(2400, 1800), (1800, 2400), (2400, 2400)}


def test_masters_stay_small_enough_to_commit():
    sizes = [path.stat().st_size for path in prints.MASTERS.glob("*.webp")]
    assert max(sizes) < 600_000
    assert sum(sizes) < 24_000_000


def test_there_is_no_master_without_a_print():
    assert {path.stem for path in prints.MASTERS.glob("*.webp")} == set(prints.slugs())


@pytest.mark.parametrize("slug", SAMPLE)
def test_a_small_print_is_its_master_made_small(slug, masters):
    size, expected = masters[slug]
    image = prints.render(slug, 400)
    assert image.mode == "RGB"
    assert image.size == (size[0] // 6, size[1] // 6)
    assert np.abs(thumbnail(image) - expected).mean() < 4


def test_the_same_print_is_the_same_bytes():
    first, again = (prints.render("soundings-skerries", 320) for _ in range(2))
    assert first.tobytes() == again.tobytes()


def test_no_two_prints_are_alike(masters):
    close = [
        (one, other)
        for (one, (_, a)), (other, (_, b)) in combinations(masters.items(), 2)
        if np.abs(a - b).mean() < 8
    ]
    assert close == []
