"""The worker beside its peers, in short: `python -m benchmarks.catching_up` for the figures."""

from collections.abc import Callable
from pathlib import Path

import pytest
from worker_support import read_all

from benchmarks.histories import Histories, write
from benchmarks.jobs import PARTITIONS
from benchmarks.peers import Site, working
from benchmarks.progress import Trail, wait_until_through
from stream_cw.broker.process import Broker

pytestmark = pytest.mark.kafka

STARTS = {"faust": 3}
"""A Faust app was seen to stop committing for good, 23 events into a log, on a busy machine: it is
begun afresh then, on a log of its own. None of the others may need that."""
SECONDS = 120.0


def gone_through(
    broker: Broker, folder: Path, system: str, job: str, histories: Histories, each: int
) -> Site:
    """Let a system go through a log; return the site on which it did."""
    starts, ended = STARTS.get(system, 1), ""
    for start in range(starts):
        name = f"{folder.name}.{system}-{start}"
        site = Site(broker.address, name, folder / f"{system}-{start}")
        events = write(site.brokers, site.topics.events, histories.events(0, each))
        with working(system, job, site) as process:
            try:
                wait_until_through(site, events, process.check, SECONDS / starts)
            except SystemExit as error:
                ended = str(error)
            else:
                return site
    pytest.fail(f"{system}: {ended}")


def test_the_worker_is_several_times_as_fast_as_a_faust_app_by_the_guide(
    kafka: Broker, tmp_path: Path, show_figure: Callable[[str], None]
) -> None:
    rates = {}
    for system, profiles in (("ours", 6_000), ("faust", 1_000)):
        site = gone_through(kafka, tmp_path, system, "trivial", Histories(profiles), 3)
        span = Trail(site).span()
        assert span.rows <= 3 * profiles, "a row for each event, and none twice"
        rates[system] = span.events / max(0.001, span.seconds)
    ratio = rates["ours"] / rates["faust"]
    show_figure(
        f"plumbing: {rates['ours']:,.0f} events/s, a Faust app by the guide {rates['faust']:,.0f}"
    )
    assert ratio >= 3, f"{ratio:.1f} times as fast; more than 10 where nothing else runs"


def test_peers_do_the_same_job(kafka: Broker, tmp_path: Path) -> None:
    rows = {}
    for system in ("ours", "faust", "bare"):
        site = gone_through(kafka, tmp_path, system, "full", Histories(40), 12)
        read = read_all(site.brokers, site.topics.rows, PARTITIONS)
        rows[system] = {key: value for key, value, *_ in read}
    assert len(rows["ours"]) == 80, "the last row of each of two devices"
    assert rows["faust"] == rows["ours"]
    assert rows["bare"] == rows["ours"]
