"""Delivery of a replay's records: in order, bounded in flight, and no failure in silence."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from stream_cw.broker.connection import Brokers, for_librdkafka
from stream_cw.clients.pace import Clock
from stream_cw.clients.progress import MAX_UNSAVED, Sent, Window
from stream_cw.core.records import Record
from stream_cw.errors import BrokerError

STALLED_SECONDS: Final = 60.0
"""Without any acknowledgement for so long, the broker counts as lost."""
INTERRUPT_SECONDS: Final = 3.0
"""How long an interrupted run waits for what is in flight."""
BATCH_BYTES: Final = 1_000_000
_SAVE_SECONDS: Final = 0.5
_WAIT_SECONDS: Final = 0.1
_SERVE_EVERY: Final = 64
"""Records between two looks at the deliveries, when nothing else makes one look."""
_MAX_MESSAGE_BYTES: Final = 10_000_000


def replay_producer(brokers: Brokers, *, most_bytes: int) -> Producer:
    """Make a producer that keeps the order, whatever fails.

    Parameters
    ----------
    brokers : str or Connection
    most_bytes : int
        What the topic takes as one batch; the library never splits one.
    """
    return Producer(
        {
            **for_librdkafka(brokers),
            "acks": "all",
            "enable.idempotence": True,
            # No record is given up while later ones of its profile go through; a broker that is
            # gone is noticed in `Delivery.wait`.
            "message.timeout.ms": 0,
            "enable.gapless.guarantee": True,
            # Whether a record is too large is for the topic to decide.
            "message.max.bytes": _MAX_MESSAGE_BYTES,
            "batch.size": min(most_bytes, BATCH_BYTES),
            "queue.buffering.max.messages": 2 * MAX_UNSAVED,
            "linger.ms": 5,
            # What is fatal is raised here, and need not be logged beside.
            "logger": _silent_logger(),
        }
    )


def _silent_logger() -> logging.Logger:
    logger = logging.getLogger("stream_cw.clients.librdkafka")
    logger.setLevel(logging.CRITICAL + 1)
    return logger


@contextmanager
def ctrl_c() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Ctrl-C came, once; in the main thread alone."""
    # Raised inside a delivery's callback it would be lost, so the first one becomes a flag.
    interrupted = False

    def note(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: interrupted
    finally:
        signal.signal(signal.SIGINT, before)


class Delivery:
    """One run of a replay: the producer, and what the broker has not acknowledged yet.

    Parameters
    ----------
    producer : Producer
        As `replay_producer` makes it.
    topic : str
    window : Window
    keep : callable
        Saves how many leading records are acknowledged.
    clock : callable
        Seconds, monotonic.
    is_interrupted : callable
        Whether the run is to end; it does with a KeyboardInterrupt.

    Attributes
    ----------
    acknowledged : int
    ends : dict
        For each partition written to, the offset behind its last record.
    """

    def __init__(
        self,
        producer: Producer,
        topic: str,
        window: Window,
        *,
        keep: Callable[[int], None],
        clock: Clock,
        is_interrupted: Callable[[], bool],
    ) -> None:
        self.acknowledged = 0
        self.ends: dict[int, int] = {}
        self._producer = producer
        self._topic = topic
        self._window = window
        self._keep = keep
        self._clock = clock
        self._is_interrupted = is_interrupted
        self._handed = 0
        self._saved_at = self._heard_at = clock()
        self._failure: KafkaError | None = None

    def produce(self, record: Record) -> None:
        """Hand a record to the producer, as soon as its key's records behind are few enough."""
        while self._window.full_for(record.key):
            self.wait(_WAIT_SECONDS)
            self._save()
        sent = self._window.add(record.key)
        while True:
            try:
                self._producer.produce(
                    self._topic,
                    value=record.value,
                    key=record.key,
                    partition=record.partition,
                    on_delivery=lambda error, message: self._delivered(sent, error, message),
                )
                break
            except BufferError:  # the queue is full by its bytes
                self.wait(_WAIT_SECONDS)
            except KafkaException as error:
                self._fail(error.args[0])
        self._handed += 1
        if self._handed % _SERVE_EVERY == 0:
            self.wait(0)

    def wait(self, seconds: float) -> None:
        """Serve deliveries for a moment; raise on Ctrl-C, and where one failed or none comes."""
        try:
            self._producer.poll(min(seconds, _WAIT_SECONDS))
        except KafkaException as error:
            self._fail(error.args[0])
        if self._is_interrupted():
            raise KeyboardInterrupt
        if self._failure is not None:
            self._fail(self._failure)
        now = self._clock()
        if self._handed == self.acknowledged:
            self._heard_at = now
        elif now - self._heard_at > STALLED_SECONDS:
            raise BrokerError(
                f"no acknowledgement for {STALLED_SECONDS:.0f} s, "
                f"{self._handed - self.acknowledged} records are in flight"
            )
        if now - self._saved_at > _SAVE_SECONDS:
            self._save()

    def drain(self) -> None:
        """Wait until everything is acknowledged."""
        while self._handed > self.acknowledged:
            self.wait(_WAIT_SECONDS)

    def interrupt(self) -> None:
        """Give what is in flight a moment, and save how far it came."""
        self._producer.flush(0 if self._failure else INTERRUPT_SECONDS)
        self._save()

    def _delivered(self, sent: Sent, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failure = self._failure or error
            return
        sent.acknowledged = True
        self.acknowledged += 1
        self._heard_at = self._clock()
        self.ends[message.partition()] = message.offset() + 1

    def _save(self) -> None:
        if self._window.advance():
            self._keep(self._window.prefix)
        self._saved_at = self._clock()

    def _fail(self, error: KafkaError) -> None:
        self._failure = error
        raise BrokerError(
            f"{self._topic}: a record was not delivered: {error.str()}; "
            f"{self.acknowledged} of {self._handed} are acknowledged"
        )
