"""Somebody who buys over plain HTTP, as a browser without JavaScript does."""

import re
from typing import Any, Self

import aiohttp

ADDRESS = {
    "name": "Nora Byrne",
    "line1": "4 Harbour Row",
    "city": "Howth",
    "region": "Co. Dublin",
    "postal_code": "D13 F6K7",
    "country": "IE",
}


class Buyer:
    """Use as `async with Buyer(url) as buyer`. Each method is one page; it returns the answer's status and text."""

    def __init__(self, url: str, email: str = "nora@example.com", **session: Any) -> None:
        """`session` is for aiohttp's."""
        self.url, self.email = url, email
        jar, timeout = aiohttp.CookieJar(unsafe=True), aiohttp.ClientTimeout(total=120)
        self.http = aiohttp.ClientSession(url, cookie_jar=jar, timeout=timeout, **session)
        self.form: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def get(self, path: str) -> tuple[int, str]:
        async with self.http.get(path) as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, **fields: Any) -> tuple[int, str]:
        """Follows the redirect, as a browser does; the text is that of the page it leads to."""
        token = self.form.get("csrfmiddlewaretoken", "")
        async with self.http.post(path, data={**fields, "csrfmiddlewaretoken": token}) as answer:
            return answer.status, await answer.text()

    async def fill_cart(self, slug: str, variant_id: int, quantity: int = 1) -> None:
        status, page = await self.get(f"/products/{slug}/")
        assert status == 200, page[:500]
        self.read_form(page)
        await self.post("/cart/add/", variant=variant_id, quantity=quantity)

    async def go_to_delivery(self) -> None:
        status, page = await self.post("/checkout/", email=self.email, **ADDRESS)
        assert status == 200, page[:500]
        self.read_form(page)
        assert "shown_total" in self.form, page[-3000:]

    async def place_order(self) -> tuple[int, str]:
        """Status and address of the page that the click leads to, without loading it."""
        fields = {name: self.form[name] for name in ("csrfmiddlewaretoken", "key", "shipping", "shown_total")}
        async with self.http.post("/checkout/delivery/", data=fields, allow_redirects=False) as answer:
            await answer.read()
            return answer.status, answer.headers.get("Location", "")

    def read_form(self, page: str) -> None:
        """The hidden fields and the ticked choices of a page."""
        for tag in re.findall(r"<input[^>]*>", page):
            attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
            hidden, ticked = attributes.get("type") == "hidden", " checked" in tag
            if "name" in attributes and (hidden or ticked):
                self.form[attributes["name"]] = attributes.get("value", "")
