"""From a click on a tile to the moved tile: `python -m benchmarks.click_to_tile [--clicks 200]`.

All of it on this machine: the page in Chromium, a gateway, Apache Kafka and a worker that orders
rows by recency, so that each click moves a tile. Two shows stand in the phone's row; a click on the
second stops the first and plays the second, which so moves to the front. The time ends where the
browser has laid the moved tile out for its next picture; on the other device, where it has the row
that followed. The animation, half a second, begins there. Each click waits until both devices are
through with the one before.
"""

import math
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from playwright.sync_api import Page, sync_playwright

from stream_cw.broker.kafka import kafka_broker
from stream_cw.clients.catalog import import_catalog
from stream_cw.demo.system import System, running_system
from stream_cw.gateway.page import TITLES

WARM_UP: Final = 20
ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync")

CLICK: Final = """
async () => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => done()));
  const tiles = document.querySelector(".device[data-device=phone] .tiles");
  const version = document.querySelector(".device[data-device=tv] [data-part=version]");
  const changed = (node, is) => new Promise((done, fail) => {
    setTimeout(() => fail(new Error(`no move in 10 s: ${tiles.innerText}`)), 10_000);
    const watch = new MutationObserver(() => {
      if (!is()) return;
      watch.disconnect();
      done(performance.now());
    });
    watch.observe(node, { childList: true, characterData: true, subtree: true });
  });
  const [first, second] = tiles.children;
  const began = performance.now();
  const there = changed(version, () => true);
  const moved = changed(tiles, () => tiles.firstElementChild === second).then(async () => {
    await painted();
    return performance.now();
  });
  second.querySelector("button").click();
  return { moved: (await moved) - began, there: (await there) - began };
}
"""


def prepare(page: Page, system: System) -> None:
    """Open the page and put two shows into the phone's row."""
    page.goto(system.door.link())
    phone = page.locator(".device[data-device=phone]")
    phone.locator(".tile").first.wait_for()
    page.get_by_role("button", name="Forget the profile").click()
    page.locator(".entry[data-kind=open] .span").nth(3).wait_for()
    for at, show in enumerate(("Cold Harbour", "Low Orbit"), start=1):
        phone.locator(".card").filter(has_text=show).click()
        phone.get_by_label("Position").fill(str(15 * 60_000))
        phone.get_by_role("button", name="Pause").click()
        phone.locator(f".tiles > li:nth-child({at})").wait_for()


def line(name: str, spans: list[float]) -> str:
    """Tell the median and the 95th percentile of spans in ms."""
    ordered = sorted(spans)
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return f"{name:40} median {statistics.median(ordered):5.0f} ms   p95 {p95:5.0f} ms"


def main(
    clicks: Annotated[int, typer.Option(min=20, help="So many are measured.")] = 200,
) -> None:
    """Print how long a click takes to the moved tile."""
    os.environ["STREAM_CW_MODEL"] = "recency"  # the worker's
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_system(Path(folder), kafka_broker) as system,
        sync_playwright() as playwright,
    ):
        import_catalog(TITLES, system.address, topic=system.topics.catalog)
        system.wait_joined()
        system.door.wait_ready(system.check)
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        prepare(page, system)
        found: list[dict[str, Any]] = []
        for _ in range(WARM_UP + clicks):
            found.append(page.evaluate(CLICK))
            page.wait_for_timeout(150)  # nobody clicks into the answer of the click before
        browser.close()
    measured = found[WARM_UP:]
    typer.echo(f"{clicks} clicks, Apache Kafka, worker, gateway and browser on this machine")
    typer.echo(line("to the moved tile on the device clicked", [one["moved"] for one in measured]))
    typer.echo(line("to the row on the other device", [one["there"] for one in measured]))


if __name__ == "__main__":
    typer.run(main)
