"""A run from its start to its verdict."""

import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from judgement import judged
from outcome import DRAIN_DEADLINE_S, Outcome
from schedule import draw
from stage import Setting, Stage
from worker_support import log_ends, sharing

from stream_cw.broker.cluster import connect
from stream_cw.broker.kafka import kafka_broker, kafka_cluster
from stream_cw.broker.process import Broker
from stream_cw.errors import BrokerError

TICK_S = 0.05
START_DEADLINE_S = 180.0
CALM_DEADLINE_S = 90.0
CALM_S = 8.0
"""The last incident lies so far back that a zombie's late records were found: two looks."""

Say = Callable[[str], None]


def perform(setting: Setting, folder: Path, say: Say) -> Outcome:
    """Run a system under faults, and judge what it wrote.

    Parameters
    ----------
    setting : Setting
    folder : Path
        Takes all data and logs.
    say : callable
        Told what happens, line by line.
    """
    say(f"seed {setting.seed}")
    with ExitStack() as stack:
        brokers = stack.enter_context(_brokers(setting.brokers, folder / "kafka"))
        stage = Stage(setting, brokers, folder, stack)
        _tick_until(stage, lambda: _is_up(stage), "workers and gateway are up", START_DEADLINE_S)
        stage.watcher.start()
        stage.viewers.start()
        stage.load.start()
        began = time.monotonic()
        say("all is up")
        _strike_all(stage, began, say)
        stage.load.stop()
        drained = _drain(stage)
        say("the load is over" if drained is None else f"drained in {drained:.1f} s")
        for slot in stage.workers:
            slot.end(signal.SIGTERM)
        for slot in stage.workers:
            slot.process.wait()
        outcome = judged(stage, began, drained)
        say(f"judged after {time.monotonic() - began:.0f} s")
        return outcome


@contextmanager
def _brokers(number: int, folder: Path) -> Iterator[list[Broker]]:
    if number > 1:
        with kafka_cluster(folder, nodes=number) as brokers:
            yield brokers
    else:
        with kafka_broker(folder) as broker:
            yield [broker]


def _is_up(stage: Stage) -> bool:
    return _all_share(stage) and stage.gateway.process.is_ready()


def _all_share(stage: Stage) -> bool:
    try:
        return sharing(connect(stage.address), stage.topics.app_id) == len(stage.workers)
    except BrokerError:
        return False


def _tick_until(
    stage: Stage, condition: Callable[[], bool], what: str, seconds: float
) -> float | None:
    """Go on until something holds; return the seconds that it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() > began + seconds:
            raise AssertionError(f"waited {seconds} s in vain: {what}; {stage.ends}")
        stage.tick()
        time.sleep(TICK_S)
    return time.monotonic() - began


def _strike_all(stage: Stage, began: float, say: Say) -> None:
    setting = stage.setting
    faults = deque(
        draw(
            setting.seed,
            setting.seconds,
            setting.counts,
            workers=setting.workers,
            brokers=setting.brokers,
        )
    )
    told = 0
    while (second := time.monotonic() - began) < setting.seconds:
        stage.tick()
        stage.load.check()
        if faults and faults[0].at <= second:
            fault = faults.popleft()
            say(f"{second:6.1f} s  {fault.kind} {fault.target}")
            stage.strike(fault)
        for end in stage.ends[told:]:
            say(f"{second:6.1f} s  {end.name} ended with status {end.status}: {end.words}")
        told = len(stage.ends)
        time.sleep(TICK_S)
    assert not faults


def _drain(stage: Stage) -> float | None:
    """Wait until all is dealt with, and calm; return the seconds from the load's end."""
    try:
        _tick_until(stage, lambda: stage.load.is_over, "all acknowledged", DRAIN_DEADLINE_S)
        ends = log_ends(stage.address, stage.topics.events, stage.setting.partitions)
        left = DRAIN_DEADLINE_S
        drained = _tick_until(stage, lambda: stage.watcher.is_through(ends), "drained", left)
        _tick_until(stage, lambda: _is_calm(stage), "calm", CALM_DEADLINE_S)
    except AssertionError:
        return None
    return drained


def _is_calm(stage: Stage) -> bool:
    latest = max((incident.at for incident in stage.watcher.incidents), default=0.0)
    return stage.is_quiet and time.monotonic() - latest > CALM_S and _is_up(stage)
