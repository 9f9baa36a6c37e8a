"""The whole path on Apache Kafka: what comes out is what the offline replay says, byte for byte."""

import math
import signal
import threading
import time
from pathlib import Path

import pytest
from scene import PARTITIONS, Scene, started
from worker_support import log_ends, wait_until

from stream_cw.broker.process import Broker
from stream_cw.clients.catalog import import_catalog
from stream_cw.core.row import View
from stream_cw.history.catalog_file import read_catalog
from stream_cw.model.chosen import choose

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

EIGHTH = 7.0
"""Seconds that an eighth of the simulated log takes at its pace."""


@pytest.mark.data
def test_the_export_through_two_workers_equals_the_replay(scene, start, export_log, show_figure):
    one, two = start("one", model="shipped"), start("two", model="shipped")
    wait_until(lambda: scene.members() == 2, "two workers share the partitions")
    began = time.monotonic()
    scene.produce(export_log)
    scene.wait_until_done()
    seconds = time.monotonic() - began
    stats = [one.stop(), two.stop()]
    verdict = scene.judge(View(scorer=choose("shipped")))
    counts = {
        name: sum(each[name] for each in stats)
        for name in ("events", "rows", "conflated", "held_back")
    }
    show_figure(f"export, 2 workers, shipped model: {verdict.figures()}; {counts}; {seconds:.1f} s")
    assert verdict.holds, verdict
    assert verdict.lower == 0
    assert verdict.dead_letters == 0
    assert all(each["events"] > 0 for each in stats), "both had a share"


@pytest.mark.data
@pytest.mark.parametrize("wipe", [False, True], ids=["directory kept", "directory wiped"])
def test_a_killed_worker_loses_and_doubles_nothing(scene, start, export_log, wipe, show_figure):
    done = _kill_in_the_middle(scene, start, export_log, wipe=wipe)
    verdict = scene.judge()
    state = f"directory {'wiped' if wipe else 'kept'}"
    show_figure(f"killed when {done} were done, {state}: {verdict.figures()}")
    assert verdict.holds, verdict
    assert (verdict.events, verdict.dead_letters) == (_length(export_log), 0)


def test_a_killed_worker_with_the_shipped_model_and_a_catalog(
    scene, start, simulated_log, simulated_catalog, show_figure
):
    import_catalog(simulated_catalog, scene.broker.address, topic=scene.topics.catalog)
    done = _kill_in_the_middle(scene, start, simulated_log, model="shipped")
    known = read_catalog(simulated_catalog)
    view = View(scorer=choose("shipped"), works=known.works, catalog=known.version)
    verdict = scene.judge(view)
    show_figure(f"killed when {done} were done, shipped model, catalog: {verdict.figures()}")
    assert verdict.holds, verdict
    assert (verdict.events, verdict.dead_letters) == (_length(simulated_log), 0)


def _kill_in_the_middle(scene, start, log, *, wipe=False, **settings) -> int:
    """Kill one of two workers, and start it again; how many records were done at the kill."""
    one, two = start("one", **settings), start("two", **settings)
    wait_until(lambda: scene.members() == 2, "two workers share the partitions")
    total = _length(log)
    first, rest = _cut(log, scene.folder)
    producing = threading.Thread(target=scene.produce, args=(first,))
    producing.start()
    wait_until(lambda: scene.done() > total // 20, "the worker is in the middle")
    one.kill()
    done = scene.done()
    producing.join()
    scene.produce(rest)
    assert 0 < done < total, "the kill came in the middle"
    if wipe:
        _wipe(one.folder / "data")
    again = start("one", **settings)
    wait_until(lambda: scene.members() == 2, "the killed worker is back")
    scene.wait_until_done()
    again.stop()
    two.stop()
    return done


def _cut(log: Path, folder: Path) -> tuple[Path, Path]:
    """Put three fifths of a log, and the rest, into files: no worker is through too soon."""
    lines = log.read_bytes().splitlines(keepends=True)
    at = 3 * len(lines) // 5
    first, rest = folder / "first.jsonl", folder / "rest.jsonl"
    first.write_bytes(b"".join(lines[:at]))
    rest.write_bytes(b"".join(lines[at:]))
    return first, rest


def _length(log: Path) -> int:
    return log.read_bytes().count(b"\n")


def _wipe(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def test_without_the_guard_the_comparison_goes_red(scene, start, simulated_log):
    """The negative control: the oracle sees what a missing guard does."""
    settings = {"unsafe_no_guard": True, "commit_interval": 60}
    one = start("one", **settings)
    scene.produce(simulated_log)
    wait_until(lambda: _changelog_records(scene) > 0, "states are written")
    one.kill()
    start("one", unsafe_no_guard=True)
    scene.wait_until_done()
    verdict = scene.judge()
    assert not verdict.holds
    assert verdict.states_wrong


def _changelog_records(scene: Scene) -> int:
    return sum(log_ends(scene.broker.address, scene.topics.changelog, PARTITIONS).values())


class Leave:
    """Seconds that pass only as far as they were given: so the log outlasts the hand-overs."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._given = 0.0

    def give(self, seconds: float) -> None:
        self._given += seconds

    def __call__(self) -> float:
        return min(time.monotonic() - self._began, self._given)


@pytest.mark.timeout(400)
def test_a_slow_broker_while_a_second_worker_comes_and_goes(
    own_kafka, prefix, tmp_path, simulated_log, show_figure
):
    """Rule 4: a round never outlives its assignment, however slowly it is acknowledged."""
    scene = Scene(own_kafka(), prefix, tmp_path)
    ended = threading.Event()
    slowing = threading.Thread(target=_slow_down, args=(scene.broker, ended))
    clock = Leave()
    producing = threading.Thread(target=scene.produce, args=(simulated_log, 30_000.0, clock))
    with started(scene, prefix) as start:
        one = start("one")
        wait_until(lambda: scene.members() == 1, "the first worker works")
        producing.start()
        slowing.start()
        try:
            for _ in range(4):
                clock.give(EIGHTH)
                two = start("two")
                wait_until(lambda: scene.members() == 2, "the second worker has its share", 120)
                before = scene.done()
                clock.give(EIGHTH)
                wait_until(lambda before=before: scene.done() > before, "both go on")
                two.send(signal.SIGTERM)
                assert two.wait() == 0, two.log()
        finally:
            clock.give(math.inf)
            ended.set()
            slowing.join()
            producing.join()
        scene.wait_until_done()
        one.stop()
        verdict = scene.judge()
    show_figure(f"slow broker, four hand-overs: {verdict.figures()}")
    assert verdict.holds, verdict


def _slow_down(broker: Broker, ended: threading.Event) -> None:
    """Halt the broker for 1.2 s again and again."""
    while not ended.wait(0.8):
        broker.pause()
        ended.wait(1.2)
        broker.resume()
