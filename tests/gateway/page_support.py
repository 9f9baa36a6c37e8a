"""The page in a browser, and what tests read off it."""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import httpx
from gateway_support import GatewayProcess, a_token, an_event, bearing, device_path
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect
from worker_support import wait_until
from worker_system import System

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
LONGEST_MS = 60_000

SPY_ON_MOVES = """
window.moves = [];
const animate = Element.prototype.animate;
Element.prototype.animate = function (frames, timing) {
  if (this.dataset.show) {
    const device = this.closest("[data-device]").dataset.device;
    window.moves.push({ device, show: this.dataset.show, from: frames[0].translate ?? null });
  }
  return animate.call(this, frames, timing);
};
"""
"""What is animated is told, and then animated."""


def wait_taken(system: System) -> None:
    """Wait until the worker is through with the topic.

    The records are counted: the embedded broker tells the end of a topic too low after a batch.
    """
    wanted = len(system.events())
    wait_until(
        lambda: sum(max(0, offset) for offset in system.committed().values()) >= wanted,
        f"{wanted} events are taken",
    )


class Shown:
    """The page of one profile in a tab of its own."""

    def __init__(self, page: Page, system: System, gateway: GatewayProcess) -> None:
        self.page = page
        self.system = system
        self.gateway = gateway
        self.profile = f"p-{secrets.token_hex(4)}"

    def open(self, *devices: str, token: str | None = None, **fragment: str) -> None:
        given = {
            "token": token or a_token(self.profile),
            "profile": self.profile,
            **({"devices": ",".join(devices)} if devices else {}),
            **fragment,
        }
        self.page.goto(f"{self.gateway.url}/#{urlencode(given)}")

    def open_live(self, *devices: str) -> None:
        """Open it, and wait until both devices are live and have their first row."""
        self.open(*devices)
        for device in devices or ("phone", "tv"):
            expect(self.device(device).locator("[data-state=live]")).to_be_visible()
            expect(self.device(device).locator("[data-part=version]")).to_contain_text("version")

    def device(self, device: str) -> Locator:
        return self.page.locator(f".device[data-device={device}]")

    def tile(self, device: str, show: str) -> Locator:
        return self.device(device).locator(f"li[data-show={show}] button")

    def button(self, device: str, name: str) -> Locator:
        return self.device(device).get_by_role("button", name=name, exact=True)

    def start(self, device: str, name: str) -> None:
        """Start something new, from the shelves of discovery."""
        card = self.device(device).locator(".card").filter(has_text=re.compile(f"^.*{name}$"))
        card.click()

    def seek(self, device: str, minutes: float) -> None:
        """Put the player to a position."""
        slider = self.device(device).get_by_role("slider", name="Position")
        slider.fill(str(int(minutes * 60_000)))

    def order(self, device: str) -> list[str]:
        """Shows of a device's row as they stand on the page."""
        tiles = self.device(device).locator(".tiles > li")
        return tiles.evaluate_all("tiles => tiles.map((tile) => tile.dataset.show)")

    def wait_order(self, device: str, *shows: str) -> None:
        wait_until(lambda: self.order(device) == list(shows), f"{shows} on {device}", 60)

    def row(self, device: str) -> dict[str, Any]:
        """The newest row, as the gateway gives it; without tiles where there is none."""
        url = f"{self.gateway.url}{device_path(self.profile, device)}/row"
        answer = httpx.get(url, headers=bearing(self.profile), timeout=30)
        return {"tiles": []} if answer.status_code == 404 else answer.raise_for_status().json()

    def wait_same(self, *devices: str) -> None:
        """Wait until the page shows the newest rows, and they are."""
        for device in devices:

            def same(device: str = device) -> bool:
                newest = [tile["show_id"] for tile in self.row(device)["tiles"]]
                return bool(newest) and self.order(device) == newest

            wait_until(same, f"the page shows the newest row of {device}", 60)

    def events(self) -> list[dict[str, Any]]:
        """The profile's events on the topic, in their order."""
        key = self.profile.encode()
        return [json.loads(value) for k, value, *_ in self.system.events() if k == key and value]

    def settle(self, *devices: str) -> None:
        """Wait until every event is answered by the rows that are shown."""
        wait_taken(self.system)
        self.wait_same(*devices)

    def wait_for_home_views(self, tz_offset_min: int, *, devices: int) -> None:
        """Wait until the newest of them, one for each device, are at this offset."""

        def there() -> bool:
            views = [one for one in self.events() if one["type"] == "home_view"][-devices:]
            return [view["tz_offset_min"] for view in views] == [tz_offset_min] * devices

        wait_until(there, f"home_view at {tz_offset_min}")

    def wait_for_played(self, device: str, type_: str, title: str) -> None:
        wait_until(
            lambda: (device, type_, title) in [event[:3] for event in self.played()],
            f"{type_} of {title} on {device}",
        )

    def moves(self, device: str) -> dict[str, str]:
        """From where tiles of a device came to their place, by show."""
        moves = self.page.evaluate("moves")
        return {
            move["show"]: move["from"]
            for move in moves
            if move["device"] == device and move["from"]
        }

    def focused(self) -> str:
        """What has the keyboard's focus, by its name or text."""
        return self.page.evaluate(
            """() => {
              const on = document.activeElement;
              const copy = on.cloneNode(true);
              copy.querySelectorAll("[aria-hidden=true]").forEach((part) => part.remove());
              return on.ariaLabel ?? on.labels?.[0]?.textContent ?? copy.textContent;
            }"""
        ).strip()

    def focus_ring(self) -> str:
        return self.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")

    def press_until(self, name: str) -> None:
        """Press Tab until something whose name begins so has the focus."""
        for _ in range(120):
            self.page.keyboard.press("Tab")
            if self.focused().startswith(name):
                return
        raise AssertionError(f"{name} is not reached by Tab")

    def played(self) -> list[tuple[str, str, str, int]]:
        """Device, type, title and position (ms) of its playback events."""
        return [
            (event["device_id"], event["type"], event["title"]["id"], event["position_ms"])
            for event in self.events()
            if "title" in event
        ]


def _complaint(said: ConsoleMessage) -> list[str]:
    """What the console says; a row that is gone is asked for, and Chromium tells of the answer."""
    gone = "404" in said.text and said.location["url"].endswith("/row")
    return [] if gone else [f"{said.type}: {said.text} {said.location['url']}"]


@contextmanager
def shown(
    browser: Browser, system: System, gateway: GatewayProcess, **context: Any
) -> Iterator[Shown]:
    """Open a tab; when it ends, it must have had nothing to complain of."""
    complaints: list[str] = []
    with browser.new_context(**{"viewport": DESKTOP, **context}) as opened:
        page = opened.new_page()
        page.set_default_timeout(LONGEST_MS)
        page.on("console", lambda said: complaints.extend(_complaint(said)))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.add_init_script(SPY_ON_MOVES)
        yield Shown(page, system, gateway)
        assert not complaints, complaints


class Followed:
    """A row that the client for browsers follows, in a page that does nothing else."""

    def __init__(self, page: Page, system: System, gateway: GatewayProcess) -> None:
        self.page = page
        self.system = system
        self.gateway = gateway
        self.profile = f"p-{secrets.token_hex(4)}"
        page.goto(f"{gateway.url}/page/inter.LICENSE.txt")

    def follow(self, token: str = "") -> None:
        """Follow it; without a token it asks the page's function `fresh` for each call."""
        self.page.evaluate(
            """async ({ token, profile }) => {
              const { followRow } = await import("/page/client.js");
              Object.assign(window, { seen: [], states: [] });
              window.followed = followRow({
                token: token || (() => window.fresh()),
                profile,
                device: "tv",
                deviceType: "tv",
                sessionId: "s-1",
                onRow: (row, version) => seen.push({ row, version }),
                onErased: () => seen.push({ row: null, version: "erased" }),
                onState: (state) => states.push(state),
              });
            }""",
            {"token": token, "profile": self.profile},
        )

    def open(self) -> dict[str, Any]:
        return self.page.evaluate("followed.open()")

    def send(self, *events: dict[str, Any]) -> dict[str, Any]:
        return self.page.evaluate("(events) => followed.send(events)", list(events))

    def versions(self) -> list[str]:
        """Versions of the rows that came, and `erased`, in their order."""
        return self.page.evaluate("seen.map((one) => one.version)")

    def shows(self) -> list[str]:
        """Shows of the row that came last."""
        tiles = self.page.evaluate("seen.at(-1)?.row?.tiles ?? []")
        return [tile["show_id"] for tile in tiles]

    def states(self) -> list[str]:
        return self.page.evaluate("states")

    def wait_shows(self, *shows: str) -> None:
        wait_until(lambda: self.shows() == list(shows), f"the last row has {shows}")

    def stop_of(self, show: str, number: int, **fields: Any) -> dict[str, Any]:
        """A stop in the middle of an episode, as somebody else would send it."""
        title = {"kind": "episode", "id": f"{show}.1", "series_id": show, "duration_ms": 3_000_000}
        return an_event(number, self.profile, title=title, position_ms=1_000_000, **fields)

    def events(self) -> list[dict[str, Any]]:
        key = self.profile.encode()
        return [json.loads(value) for k, value, *_ in self.system.events() if k == key and value]
