"""The worker beside its peers, in short: `python -m benchmarks.catching_up` for the figures."""

from collections.abc import Callable
from pathlib import Path

import pytest
from worker_support import read_all

from benchmarks.histories import Histories, write
from benchmarks.jobs import PARTITIONS
from benchmarks.peers import Site, working
from benchmarks.progress import Span, Trail, wait_until_through
from stream_cw.broker.process import Broker

pytestmark = pytest.mark.kafka

SECONDS = 120.0


def go_through(site: Site, system: str, job: str, profiles: int, each: int) -> Span:
    events = write(site.brokers, site.topics.events, Histories(profiles).events(0, each))
    with working(system, job, site) as process:
        wait_until_through(site, events, process.check, SECONDS)
    return Trail(site).span()


def test_the_worker_is_several_times_as_fast_as_a_faust_app_by_the_guide(
    kafka: Broker, prefix: str, tmp_path: Path, show_figure: Callable[[str], None]
) -> None:
    rates = {}
    for system, profiles in (("ours", 6_000), ("faust", 1_000)):
        site = Site(kafka.address, prefix + system, tmp_path / system)
        span = go_through(site, system, "trivial", profiles, each=3)
        assert span.rows <= 3 * profiles, "a row for each event, and none twice"
        rates[system] = span.events / max(0.001, span.seconds)
    ratio = rates["ours"] / rates["faust"]
    show_figure(
        f"plumbing: {rates['ours']:,.0f} events/s, a Faust app by the guide {rates['faust']:,.0f}"
    )
    assert ratio >= 3, f"{ratio:.1f} times as fast; more than 10 where nothing else runs"


def test_peers_do_the_same_job(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    rows = {}
    for system in ("ours", "faust", "bare"):
        site = Site(kafka.address, prefix + system, tmp_path / system)
        go_through(site, system, "full", profiles=40, each=12)
        read = read_all(site.brokers, site.topics.rows, PARTITIONS)
        rows[system] = {key: value for key, value, *_ in read}
    assert len(rows["ours"]) == 80, "the last row of each of two devices"
    assert rows["faust"] == rows["ours"]
    assert rows["bare"] == rows["ours"]
