"""A crowd that wants the same few prints over plain HTTP: each buyer with a session, a pace and habits of their own.

Some leave before the order, some click twice at once, hang up and come back, send the form again, have a card
declined, let an order go that they had, or keep trying for as long as somebody might let one go. When all have gone,
as many more come as there are prints left, and keep trying: whatever was let go of must be there to buy.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp

from lab.faults.provider import AUTHORIZED, confirm
from tests.buyer import ADDRESS, Buyer

DELIVERY = "/checkout/delivery/"
PERSISTS_SECONDS = 240.0  # beyond the time that an order which nobody pays is held
LOCKED = "database is locked"


class Habits(NamedTuple):
    """What a buyer does, drawn by the seed; times in seconds."""

    comes_after: float
    thinks: float
    gives_up: bool
    clicks: str  # once, twice, hangs up, sends again
    declined: bool
    lets_go: bool
    persists: bool


def habits(chance: random.Random, spread: float, thinks: float) -> Habits:
    clicks = chance.choices(("once", "twice", "hangs up", "sends again"), (60, 20, 10, 10))[0]
    persists = chance.random() < 0.05
    return Habits(
        comes_after=chance.uniform(0, spread),
        thinks=chance.uniform(0, thinks),
        gives_up=not persists and chance.random() < 0.05,
        clicks=clicks,
        declined=chance.random() < 0.1,
        lets_go=not persists and chance.random() < 0.08,
        persists=persists,
    )


LATE = Habits(0, 0, gives_up=False, clicks="once", declined=False, lets_go=False, persists=True)


@dataclass
class Tally:
    """What everybody saw. `over` once as many have paid as there are prints."""

    units: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[int] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    locked: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def saw(self, step: str, seconds: float, status: int, text: str) -> None:
        self.seconds[step].append(seconds)
        self.statuses[status] += 1
        self.locked += LOCKED in text

    def paid(self) -> None:
        self.outcomes["paid"] += 1
        if self.outcomes["paid"] >= self.units:
            self.over.set()

    @property
    def server_errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= 500)


class Answer(NamedTuple):
    status: int
    location: str
    text: str


class Rusher(Buyer):
    """Use as `async with Rusher(...) as buyer: await buyer.rush()`; how it ended is in the tally."""

    def __init__(
        self,
        url: str,
        number: int,
        product: tuple[str, int],
        habits: Habits,
        tally: Tally,
        chance: random.Random,
    ) -> None:
        super().__init__(url, f"buyer{number}@example.com")
        self.slug, self.variant_id = product
        self.habits, self.tally, self.chance = habits, tally, chance
        self.has_one = False  # in the cart, where it stays though it sold out

    async def rush(self) -> None:
        await asyncio.sleep(self.habits.comes_after)
        try:
            outcome = await self._buy()
            until = time.monotonic() + PERSISTS_SECONDS
            while outcome == "too late" and self.habits.persists and time.monotonic() < until:
                if self.tally.over.is_set():
                    break
                await asyncio.sleep(self.chance.uniform(1, 3))
                outcome = await self._buy()
        except (aiohttp.ClientError, OSError, TimeoutError) as fault:
            outcome = f"fault: {type(fault).__name__}: {fault}"[:200]
        if outcome == "paid":
            self.tally.paid()
        else:
            self.tally.outcomes[outcome] += 1

    async def _buy(self) -> str:
        for step in (self._add, self._say_where_to):
            if refused := await step():
                return refused
            await asyncio.sleep(self.habits.thinks)
        if self.habits.gives_up:
            return "gave up"
        locations = set(await self._place())
        # Of two clicks the first may come too late and the second not, since somebody let go in between: the cart
        # that the first leads to shows the order that is held, with its way to the payment.
        if len(locations) > 1:
            locations.discard("/cart/")
        if len(locations) != 1:
            return f"astray: {sorted(locations)}"
        (location,) = locations
        if not location.endswith("/pay/"):
            return "too late" if location == "/cart/" else f"astray: {location}"
        if self.habits.lets_go:
            return await self._let_go(location)
        return await self._pay(location)

    async def _add(self) -> str:
        """The print's page, and its button. Empty, or why not; whoever has it in the cart already needs no other."""
        if self.has_one:
            return ""
        page = await self._ask("look", "GET", f"/products/{self.slug}/")
        self.read_form(page.text)
        answer = await self._ask(
            "add", "POST", "/cart/add/", {"variant": self.variant_id, "quantity": 1}, part=True
        )
        self.has_one = "Added." in answer.text
        if self.has_one:
            return ""
        sold_out = "sold out" in answer.text or "only 0 left" in answer.text
        return "too late" if sold_out else f"astray: adding, {answer.status} {answer.location}"

    async def _say_where_to(self) -> str:
        if "key" not in self.form:
            answer = await self._ask("details", "POST", "/checkout/", {"email": self.email, **ADDRESS})
            if answer.location != DELIVERY:
                return self._sent_back(answer)
        page = await self._ask("delivery", "GET", DELIVERY)
        if page.status != 200:
            return self._sent_back(page)
        self.read_form(page.text)
        return ""

    def _sent_back(self, answer: Answer) -> str:
        """To the cart, which says that it is gone."""
        return "too late" if answer.location == "/cart/" else f"astray: {answer.status} {answer.location}"

    async def _place(self) -> set[str]:
        """Where the clicks led."""
        if self.habits.clicks == "twice":
            both = await asyncio.gather(self._click(), self._click())
            return set(both)
        if self.habits.clicks == "hangs up":
            with suppress(TimeoutError):
                await asyncio.wait_for(self._click(), self.chance.uniform(0.01, 0.5))
        elif self.habits.clicks == "sends again":
            first = await self._click()
            if not first.endswith("/pay/"):
                return {first}
        return {await self._click()}

    async def _click(self) -> str:
        fields = {name: self.form[name] for name in ("key", "shipping", "shown_total")}
        return (await self._ask("place", "POST", DELIVERY, fields)).location

    async def _let_go(self, location: str) -> str:
        order = location.split("/")[2]
        answer = await self._ask("let go", "POST", f"/orders/{order}/cancel/", {"why": ""})
        return "let go" if answer.status == 302 else f"astray: letting go, {answer.status}"

    async def _pay(self, location: str) -> str:
        begun = time.monotonic()
        page = await self._ask("pay page", "GET", location)
        if self.habits.declined:
            await self._be_declined(page.text)
        has_paid = await confirm(self, page.text)
        self.tally.seconds["pay"].append(time.monotonic() - begun)
        return "paid" if has_paid else f"astray: paying, {page.status} {page.location}"

    async def _be_declined(self, page: str) -> None:
        if secret := re.search(r'data-secret="([^"]+)"', page):
            intent = secret[1].partition("_secret_")[0]
            fields = {"payment_method": "pm_card_visa_chargeDeclined", "return_url": self.url}
            path = f"/sandbox/stripe/v1/payment_intents/{intent}/confirm"
            async with self.http.post(path, data=fields, headers=AUTHORIZED) as answer:
                await answer.read()

    async def _ask(
        self,
        step: str,
        method: str,
        path: str,
        fields: Mapping[str, Any] | None = None,
        *,
        part: bool = False,
    ) -> Answer:
        """With `part` as htmx asks, which gets a part of the page instead of a redirect."""
        begun = time.monotonic()
        if fields is not None:
            fields = {**fields, "csrfmiddlewaretoken": self.form.get("csrfmiddlewaretoken", "")}
        headers = {"HX-Request": "true"} if part else None
        async with self.http.request(
            method, path, data=fields, headers=headers, allow_redirects=False
        ) as answer:
            text = await answer.text()
        self.tally.saw(step, time.monotonic() - begun, answer.status, text)
        return Answer(answer.status, answer.headers.get("Location", ""), text)


async def crowd(
    urls: list[str],
    product: tuple[str, int],
    buyers: int,
    units: int,
    seed: int,
    spread: float,
    thinks: float,
) -> Tally:
    """As many as this all at once, spread over the servers in an order of the seed's."""
    tally, chance = Tally(units), random.Random(seed)
    places = [(number, chance.choice(urls)) for number in range(buyers)]
    chance.shuffle(places)

    async def one(number: int, url: str, late: bool = False) -> None:
        own = random.Random(f"{seed}:{number}")
        wanted = LATE if late else habits(own, spread, thinks)
        async with Rusher(url, number, product, wanted, tally, own) as buyer:
            await buyer.rush()

    begun = time.monotonic()
    timing = asyncio.create_task(_until(tally.over.wait, begun, tally))
    await asyncio.gather(*(one(*place) for place in places))
    left = range(buyers, buyers + units - tally.outcomes["paid"])
    await asyncio.gather(*(one(number, chance.choice(urls), late=True) for number in left))
    timing.cancel()
    return tally


async def _until(happens: Callable[[], Awaitable[Any]], begun: float, tally: Tally) -> None:
    await happens()
    tally.seconds["all sold"].append(time.monotonic() - begun)
