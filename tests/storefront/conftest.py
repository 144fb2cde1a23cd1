"""A small shelf of prints, and a real Chromium."""

import io
from collections.abc import Callable, Iterator

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from djmoney.money import Money
from PIL import Image
from playwright.sync_api import Browser, Page

from accounts.models import User
from shop.cart.models import Cart
from shop.catalog.models import Category, Option, OptionValue, Product, ProductImage
from shop.inventory.models import Stock
from shop.orders.models import Order
from shop.shipping.models import ShippingMethod
from tests import browser

SIZES = {"30x40": "30 × 40 cm", "50x70": "50 × 70 cm"}
FRAMES = {"none": ("Unframed", ""), "oak": ("Oak", "#b98d54")}


class Shelf:
    """Two series, two options, and prints of them: `shelf.print("Ebb", swell, stock=...)`."""

    def __init__(self) -> None:
        self.swell = Category.objects.add_root(
            {"name": "Swell", "slug": "swell", "description": "Lines of waves."}
        )
        self.storm = Category.objects.add_root({"name": "Storm", "slug": "storm"})
        size = Option.objects.create(code="size", name="Size")
        frame = Option.objects.create(code="frame", name="Frame", position=1)
        self.sizes = {
            code: OptionValue.objects.create(option=size, code=code, label=label, position=place)
            for place, (code, label) in enumerate(SIZES.items())
        }
        self.frames = {
            code: OptionValue.objects.create(
                option=frame, code=code, label=label, swatch=swatch, position=place
            )
            for place, (code, (label, swatch)) in enumerate(FRAMES.items())
        }

    def print(
        self,
        title: str,
        series: Category,
        *,
        price: int = 30,
        stock: dict[str, int] | None = None,
        **fields: object,
    ) -> Product:
        """`stock` says how many there are of each `size/frame`; those not named do not exist. Else five of all."""
        words = {"artist": "Ines Holm", "slug": title.lower().replace(" ", "-"), **fields}
        product = Product.objects.create(
            title=title, category=series, position=Product.objects.count(), **words
        )
        every = {f"{size}/{frame}": 5 for size in SIZES for frame in FRAMES}
        for place, (codes, left) in enumerate((every if stock is None else stock).items()):
            size, frame = codes.split("/")
            amount = price + 20 * (size == "50x70") + 40 * (frame == "oak")
            variant = product.variants.create(
                sku=f"{product.slug}-{size}-{frame}", price=Money(amount, "EUR"), weight_g=300, position=place
            )
            variant.values.set([self.sizes[size], self.frames[frame]])
            Stock.objects.create(variant=variant, on_hand=left)
        return product

    def picture(
        self, product: Product, size: tuple[int, int] = (90, 120), *, alt: str = "", position: int = 0
    ) -> ProductImage:
        """Its cover or another, so small that no smaller file is due."""
        file = io.BytesIO()
        Image.new("RGB", size, "#7fb3c4").save(file, "WEBP")
        name = default_storage.save(f"products/{product.slug}.webp", ContentFile(file.getvalue()))
        return product.images.create(
            picture=name,
            width=size[0],
            height=size[1],
            alt=alt or f"{product.title}, seen from the pier",
            tone="#7fb3c4",
            position=position,
        )


@pytest.fixture
def shelf(db: None) -> Shelf:
    return Shelf()


@pytest.fixture
def full_shelf(shelf: Shelf) -> Shelf:
    """Seven prints with pictures, one of them sold out, and a way to send them."""
    for title in ("Ebb", "First light", "Long fetch", "Moon road"):
        shelf.picture(shelf.print(title, shelf.swell, story="The sea came in long and unhurried."))
    for title in ("Strike", "Waterspout"):
        shelf.picture(shelf.print(title, shelf.storm, price=60), size=(120, 90))
    shelf.picture(shelf.print("The eye", shelf.storm, stock={"30x40/none": 0, "50x70/oak": 0}))
    ShippingMethod.objects.create(
        code="tube", name="Tube by post", price=Money("4.90", "EUR"), free_from=80, everywhere=True
    )
    return shelf


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, browser.chromium() as opened:
        # Playwright keeps a loop in this thread; Django would take the tests beside it for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield opened


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`open_page(url, scheme="dark", width=390)`; the test fails if any script of a page did."""
    contexts, complaints = [], []

    def opener(
        url: str, *, scheme: str = "light", width: int = 1280, script: bool = True, session: str = ""
    ) -> Page:
        context = chromium.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 800}, java_script_enabled=script
        )
        contexts.append(context)
        if session:
            context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda message: complaints.append(message.text) if "Security" in message.text else None
        )
        page.goto(url)
        return page

    yield opener
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def signed_in(client: Client, customer: User) -> Client:
    client.force_login(customer)
    return client


@pytest.fixture
def own_order(place: Callable[..., Order], make_cart: Callable[..., Cart], customer: User) -> Order:
    return place(make_cart(user=customer))
