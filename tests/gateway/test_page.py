"""The page in a real browser, on a real gateway and worker."""

import re
import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from gateway_support import GatewayProcess, a_token
from page_support import DESKTOP, LONGEST_MS, PHONE, Shown, shown
from playwright.sync_api import Browser, Page, expect
from worker_system import System

pytestmark = pytest.mark.chromium

MINUTE = 60_000


@pytest.fixture(scope="module", autouse=True)
def _patience() -> None:
    expect.set_options(timeout=LONGEST_MS)


@pytest.fixture
def tab(chromium: Browser, page_system: System, page_gateway: GatewayProcess) -> Iterator[Shown]:
    with shown(chromium, page_system, page_gateway) as tab:
        yield tab


def test_play_pause_and_stop_move_tiles_on_both_devices(tab: Shown) -> None:
    tab.open_live("phone", "tv")
    tab.start("tv", "Cold Harbour")
    tab.seek("tv", 20)
    tab.button("tv", "Pause").click()
    for device in ("tv", "phone"):
        expect(tab.tile(device, "cold-harbour")).to_contain_text(re.compile("3[12] min left"))
    tab.start("phone", "Low Orbit")
    tab.seek("phone", 10)
    tab.button("phone", "Stop").click()
    tab.wait_order("phone", "low-orbit", "cold-harbour")
    tab.wait_order("tv", "cold-harbour", "low-orbit")
    tab.button("tv", "Stop").click()
    tab.settle("phone", "tv")

    chosen = tab.row("phone")
    tab.page.evaluate("moves.length = 0")
    tile = tab.page.evaluate_handle("document.querySelector('li[data-show=cold-harbour]')")
    tab.tile("phone", "cold-harbour").click()
    tab.wait_order("phone", "cold-harbour", "low-orbit")
    moved = tab.moves("phone")
    assert {"cold-harbour", "low-orbit"} <= moved.keys()
    assert moved["cold-harbour"].startswith("1")  # it stood to the right, a tile's width or more
    assert moved["low-orbit"].startswith("-1")
    assert tile.evaluate("tile => tile.isConnected && tile.dataset.rank === '0'")

    orbit, harbour = "low-orbit.s1e1", "cold-harbour.s1e1"
    events = [event for event in tab.events() if "title" in event]
    assert [(event["device_id"], event["type"], event["title"]["id"]) for event in events] == [
        ("tv", "play", harbour),
        ("tv", "pause", harbour),
        ("phone", "play", orbit),
        ("phone", "stop", orbit),
        ("tv", "stop", harbour),
        ("phone", "play", harbour),
    ]
    begun, paused, _, stopped, stopped_too, resumed = [event["position_ms"] for event in events]
    assert begun == 0
    assert 20 * MINUTE <= paused < 22 * MINUTE  # it played on until the button came
    assert 10 * MINUTE <= stopped < 12 * MINUTE
    assert stopped_too == resumed == paused
    assert events[2]["origin"] == {"surface": "browse"}
    revision = chosen["version"]["revision"]
    assert events[5]["origin"] == {"surface": "row", "revision": revision, "rank": 1}


def test_the_scene_puts_each_device_s_own_show_first(tab: Shown) -> None:
    tab.open_live("phone", "tv")
    tab.start("tv", "Low Orbit")
    tab.page.get_by_role("button", name="Phone and browser", exact=True).click()
    tab.wait_order("phone", "otter-post", "cold-harbour")
    tab.wait_order("computer", "cold-harbour", "otter-post")
    tab.wait_same("phone", "computer")
    assert tab.device("tv").count() == 0
    assert [event[:3] for event in tab.played()[-4:]] == [
        ("phone", "play", "otter-post.s1e1"),
        ("phone", "stop", "otter-post.s1e1"),
        ("computer", "play", "cold-harbour.s1e1"),
        ("computer", "stop", "cold-harbour.s1e1"),
    ]
    expect(tab.tile("phone", "otter-post")).to_contain_text("7 min left")
    expect(tab.tile("phone", "otter-post")).to_contain_text("You watch this here")


def test_the_row_stands_where_its_placement_says(tab: Shown) -> None:
    tab.open("phone", "computer", scene="household")
    tab.wait_order("computer", "cold-harbour", "otter-post")
    tab.wait_same("phone", "computer")
    for device in ("phone", "computer"):
        placement = tab.row(device)["placement"]
        home = tab.device(device).locator(".home > *")
        at = home.evaluate_all("all => all.findIndex((one) => one.dataset.part === 'row')")
        assert at == placement["slot"]
        likely = f"{placement['p_continue'] / 1e4:.0f} %"
        expect(tab.device(device).locator("[data-part=share]")).to_have_text(likely)


def test_the_clock_moves_the_local_hour_and_no_time(tab: Shown) -> None:
    began = int(time.time() * 1000)
    tab.open("phone", "tv", scene="week")
    tab.wait_same("phone", "tv")
    slider = tab.page.get_by_role("slider", name="Local hour")
    leads = []
    for hour in (7, 22):
        slider.fill(str(hour * 60))
        expect(tab.page.locator(".clock .time")).to_have_text(re.compile(rf"^{hour:02d}:"))
        wanted = tab.page.locator("[data-part=offset]").inner_text().rpartition(" ")[2]
        tab.wait_for_home_views(int(wanted), devices=2)
        tab.wait_same("phone", "tv")
        scores = {tile["show_id"]: tile["score"] for tile in tab.row("phone")["tiles"]}
        leads.append(scores["night-desk"] - scores["otter-post"])
    by_day, by_night = leads
    assert by_night > by_day, "what is watched at night rises at night"
    moved = [event for event in tab.events() if event["type"] == "home_view"]
    assert len({event["tz_offset_min"] for event in moved}) > 1
    assert all(began <= event["ts"] <= time.time() * 1000 for event in moved)


def test_it_tells_how_long_each_row_took(tab: Shown) -> None:
    tab.open_live("phone", "tv")
    tab.start("tv", "Salt Roads")
    tab.seek("tv", 15)
    tab.button("tv", "Pause").click()
    entry = tab.page.locator(".entry").filter(has_text="pause Salt Roads Film at 15:0")
    for device in ("Phone", "TV"):
        span = entry.locator(".span").filter(has_text=re.compile(rf"^{device} [\d.]+ m?s$"))
        expect(span).to_have_count(1)
    expect(tab.page.locator("[data-part=figures]")).to_contain_text("Click to row: median")


def test_it_is_used_by_keyboard_alone(tab: Shown) -> None:
    tab.open_live("phone", "tv")
    tab.press_until("Phone and browser")
    tab.page.keyboard.press("Enter")
    tab.wait_order("phone", "otter-post", "cold-harbour")
    tab.press_until("Cold Harbour, S1 E1")
    assert tab.focus_ring() != "none"
    tab.page.keyboard.press("Enter")
    tab.wait_order("phone", "cold-harbour", "otter-post")
    assert tab.focused().startswith("Cold Harbour")  # it moved, and kept the focus
    tab.press_until("Position")
    for _ in range(8):
        tab.page.keyboard.press("PageUp")
    tab.press_until("Pause")
    tab.page.keyboard.press("Space")
    assert tab.focused() == "Pause"
    expect(tab.device("phone").locator("[data-part=doing]")).to_contain_text("paused")
    tab.wait_for_played("phone", "pause", "cold-harbour.s1e1")
    announced = tab.device("phone").locator("[aria-live=polite]")
    expect(announced).to_have_text(re.compile("^Phone: Cold Harbour is now first"))


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious(
    chromium: Browser, page_system: System, page_gateway: GatewayProcess, size: dict[str, int]
) -> None:
    with shown(chromium, page_system, page_gateway, viewport=size, bypass_csp=True) as tab:
        tab.open("phone", "tv", scene="week")
        tab.wait_same("phone", "tv")
        tab.tile("phone", tab.order("phone")[0]).click()
        expect(tab.device("phone").locator("[data-part=doing]")).to_contain_text("playing")
        assert _serious(tab.page) == []
        tab.page.goto(page_gateway.url)
        tab.page.evaluate("sessionStorage.clear()")
        tab.page.reload()
        expect(tab.page.get_by_role("dialog")).to_be_visible()
        assert _serious(tab.page) == []
        wide = tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0


def _serious(page: Page) -> list[str]:
    page.evaluate("document.getAnimations().forEach((one) => one.finish())")
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {[node['html'] for node in one['nodes']]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_tiles_stand_still_where_less_motion_is_wanted(
    chromium: Browser, page_system: System, page_gateway: GatewayProcess
) -> None:
    with shown(chromium, page_system, page_gateway, reduced_motion="reduce") as tab:
        tab.open("phone", "computer", scene="household")
        tab.wait_order("phone", "otter-post", "cold-harbour")
        tab.tile("phone", "cold-harbour").click()
        tab.wait_order("phone", "cold-harbour", "otter-post")
        assert tab.page.evaluate("moves") == []


def test_the_token_leaves_the_address_bar_and_goes_into_no_address(tab: Shown) -> None:
    token = a_token(tab.profile)
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    tab.open("phone", "tv", token=token)
    expect(tab.device("tv").locator("[data-state=live]")).to_be_visible()
    assert tab.page.url == f"{tab.gateway.url}/"
    tab.page.reload()
    expect(tab.device("tv").locator("[data-state=live]")).to_be_visible()
    assert len([url for url in asked if "/rows?ticket=" in url]) == 4
    assert not [url for url in asked if token in url.partition("#")[0]]
    assert not [url for url in asked if not url.startswith(tab.gateway.url)]
    assert tab.page.evaluate("localStorage.length") == 0
    assert tab.page.context.cookies() == []


def test_without_a_link_it_asks_who_it_is(tab: Shown) -> None:
    tab.page.goto(tab.gateway.url)
    tab.page.get_by_label("Profile").fill(tab.profile)
    tab.page.get_by_label("Token").fill(a_token(tab.profile))
    tab.page.get_by_role("button", name="Show the rows").click()
    expect(tab.device("phone").locator("[data-state=live]")).to_be_visible()


def test_a_token_that_expires_ends_the_page(tab: Shown) -> None:
    tab.open("phone", "tv", token=a_token(tab.profile, lifetime_s=8))
    expect(tab.device("phone").locator("[data-state=live]")).to_be_visible()
    expect(tab.page.get_by_role("dialog")).to_contain_text("The token has expired")
    assert tab.page.evaluate("sessionStorage.getItem('stream-cw')") is None
