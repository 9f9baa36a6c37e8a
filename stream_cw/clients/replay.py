"""Replay of an event log to Kafka, paced by event time and resumable after an interrupt."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

from msgspec import Struct

from stream_cw.broker.connection import Brokers
from stream_cw.clients.delivery import BATCH_BYTES, Delivery, ctrl_c, replay_producer
from stream_cw.clients.pace import Clock, paced
from stream_cw.clients.progress import Progress, Window, fingerprint, load, progress_path, save
from stream_cw.clients.topic import describe
from stream_cw.core.records import Record
from stream_cw.errors import TopicMismatchError
from stream_cw.history.log import EventLog

Watch = Callable[[Record, int], None]


class ReplayToKafkaReport(Struct, frozen=True):
    """What a replay did.

    Attributes
    ----------
    records : int
        Records of the log.
    resumed : int
        So many leading ones were acknowledged by an earlier, interrupted run.
    acknowledged : int
        Records that this run produced and the broker acknowledged.
    seconds : float
    ends : dict
        For each partition written to, the offset behind its last record.
    """

    records: int
    resumed: int
    acknowledged: int
    seconds: float
    ends: dict[int, int]

    @property
    def rate(self) -> float:
        """Acknowledged records per second."""
        return self.acknowledged / self.seconds if self.seconds else 0.0


def replay(
    path: Path,
    brokers: Brokers,
    *,
    topic: str,
    speed: float | None = None,
    progress: Path | None = None,
    watch: Watch = lambda _record, _acknowledged: None,
    is_interrupted: Callable[[], bool] | None = None,
    clock: Clock = time.monotonic,
) -> ReplayToKafkaReport:
    """Produce an event log to its topic; each profile's records keep their order.

    The records of a plain log go to the partition of their key; those of a recording go out as they
    were, to the partition they were in. Idempotent producer, all replicas acknowledge.

    Parameters
    ----------
    path : Path
    brokers : str or Connection
    topic : str
    speed : float or None, optional
        As in `paced`.
    progress : Path or None, optional
        The progress file, by default beside the log. It says how many leading records are
        acknowledged, is there only while a replay is unfinished, and lets the next one go on.
    watch : callable, optional
        Called with each record that was handed over, and how many are acknowledged by now, with
        those of an earlier run.
    is_interrupted : callable, optional
        Asked several times a second: True ends the replay with a KeyboardInterrupt, after a moment
        for what is in flight. By default Ctrl-C does that.
    clock : callable, optional
        Seconds, monotonic.

    Raises
    ------
    BrokerError
        If the broker is not reached, refuses a record, or acknowledges nothing for a minute.
    TopicMismatchError
        If the topic is missing, or its partitions are not those of the recording.
    InputError
        If the log, or the progress file, cannot be used.
    """
    target = describe(brokers, topic)
    log = EventLog(path, partitions=target.partitions)
    if log.partitions != target.partitions:
        raise TopicMismatchError(
            f"topic {topic}: wanted {log.partitions} partitions, as in the recording, "
            f"found {target.partitions}"
        )
    keep_at = progress or progress_path(path)
    identity = fingerprint(path)
    resumed = load(keep_at, identity, target.id)

    def keep(prefix: int) -> None:
        save(keep_at, Progress(log=identity, epoch=target.id, acknowledged=prefix))

    began = clock()
    most_bytes = int(target.settings.get("max.message.bytes", BATCH_BYTES))
    with ctrl_c() if is_interrupted is None else nullcontext(is_interrupted) as interrupted:
        run = Delivery(
            replay_producer(brokers, most_bytes=most_bytes),
            topic,
            Window(resumed),
            keep=keep,
            clock=clock,
            is_interrupted=interrupted,
        )
        try:
            for record in paced(islice(log, resumed, None), speed, clock=clock, wait=run.wait):
                run.produce(record)
                watch(record, resumed + run.acknowledged)
            run.drain()
        except BaseException:
            run.interrupt()
            raise
    keep_at.unlink(missing_ok=True)
    total = resumed + run.acknowledged
    return ReplayToKafkaReport(total, resumed, run.acknowledged, clock() - began, run.ends)
