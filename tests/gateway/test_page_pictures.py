"""Pictures of the page at both widths, for the documentation.

`STREAM_CW_SCREENSHOTS=docs/images` keeps them there.
"""

import os
from pathlib import Path

import pytest
from gateway_support import GatewayProcess
from page_support import DESKTOP, PHONE, shown
from playwright.sync_api import Browser, expect
from worker_system import System

pytestmark = pytest.mark.chromium

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(("name", "size"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_a_picture(
    chromium: Browser,
    page_system: System,
    page_gateway: GatewayProcess,
    tmp_path: Path,
    name: str,
    size: dict[str, int],
) -> None:
    with shown(chromium, page_system, page_gateway, viewport=size, reduced_motion="reduce") as tab:
        tab.open("phone", "computer", scene="household")
        tab.wait_order("phone", "otter-post", "cold-harbour")
        tab.wait_order("computer", "cold-harbour", "otter-post")
        tab.start("computer", "Low Orbit")
        tab.seek("computer", 19)
        tab.button("computer", "Pause").click()
        for device in ("phone", "computer"):
            expect(tab.tile(device, "low-orbit")).to_contain_text("29 min left")
        expect(tab.page.locator(".entry").first.locator(".span")).to_have_count(2)
        folder = Path(os.environ.get("STREAM_CW_SCREENSHOTS") or tmp_path)
        picture = tab.page.screenshot(path=folder / f"page-{name}.png", full_page=True)
        assert picture.startswith(PNG)
        width = int.from_bytes(picture[16:20], "big")
        assert width == size["width"]  # nothing stands out at the side
