"""The system under test, and what strikes it."""

import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from fleet import End, Slot
from gateway_support import gateways
from load import Load, Pace
from memory import MIB, Memory
from msgspec import Struct
from schedule import Fault, Kind
from traffic import traffic
from viewers import Viewers
from watcher import Watcher
from worker_support import workers

from stream_cw.broker.contract import Topics, topic_names
from stream_cw.broker.process import HOST, Broker, free_port
from stream_cw.broker.topics import apply_topics

HALT_S = 9.0
"""Longer than the session timeout of 6 s: the group gives the partitions away."""
BROKER_AWAY_S = 3.0
BROKER_HALT_S = 4.0


class Setting(Struct, frozen=True, kw_only=True):
    """What a run is made of; times in seconds.

    Attributes
    ----------
    counts : mapping
        How many faults of each kind.
    clients : int
        Devices whose rows somebody follows: two of each of the busiest profiles.
    store_mib : int or None
        Block cache, and write buffers, of each worker; None: as its settings have it.
    named : bool
        Workers keep their places in the group while they are away for less than a session.
    """

    seed: int
    seconds: float
    counts: Mapping[Kind, int]
    pace: Pace = Pace(500)
    profiles: int = 2_000
    partitions: int = 8
    workers: int = 2
    clients: int = 50
    brokers: int = 1
    model: str = "shipped"
    store_mib: int | None = None
    named: bool = False


class Stage:
    """Topics, workers, a gateway, its clients, a producer, and faults that strike them."""

    def __init__(
        self, setting: Setting, brokers: list[Broker], folder: Path, stack: ExitStack
    ) -> None:
        self.setting = setting
        self.folder = folder
        self.brokers = brokers
        self.address = ",".join(broker.address for broker in brokers)
        self.topics: Topics = topic_names()
        replication = len(brokers)
        apply_topics(
            self.address, self.topics, partitions=setting.partitions, replication=replication
        )
        store = None if setting.store_mib is None else setting.store_mib * MIB
        start_worker = stack.enter_context(
            workers(
                folder,
                brokers=self.address,
                model=setting.model,
                store_cache_bytes=store,
                store_buffer_bytes=store,
            )
        )
        start_gateway = stack.enter_context(gateways(folder, brokers=self.address))
        self.workers = [
            Slot(
                f"worker-{n}",
                lambda name: start_worker(name, instance=name if setting.named else None),
            )
            for n in range(setting.workers)
        ]
        port = free_port()
        self.gateway = Slot("gateway", lambda name: start_gateway(name, port=port))
        self.viewers = Viewers(port, _busiest(setting.clients))
        stack.callback(self.viewers.end)
        records = traffic(setting.seed, setting.profiles, kept=setting.clients // 2 + 1)
        self.load = Load(self.address, self.topics.events, records, setting.pace)
        stack.callback(self.load.end)
        self.watcher = Watcher(self.address, self.topics, setting.partitions)
        stack.callback(self.watcher.end)
        self.ends: list[End] = []
        self.struck: list[Kind] = []
        self.kills = 0
        self.memory = Memory(self.workers)
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._awaited: list[tuple[Callable[[], bool], Callable[[], None]]] = []

    @property
    def slots(self) -> list[Slot]:
        return [*self.workers, self.gateway]

    @property
    def is_quiet(self) -> bool:
        """Whether no fault is still under way."""
        return not self._later and not self._awaited

    def tick(self) -> None:
        """Do what is due, and start again what has ended."""
        now = time.monotonic()
        due = [action for at, action in self._later if at <= now]
        self._later = [(at, action) for at, action in self._later if at > now]
        came = [action for found, action in self._awaited if found()]
        self._awaited = [pair for pair in self._awaited if pair[1] not in came]
        for action in (*due, *came):
            action()
        self.memory.look()
        for slot in self.slots:
            if (end := slot.tend()) is not None:
                self.ends.append(end)
                self.note(f"{end.name} ended itself")
        for broker in self.brokers:
            broker.check()

    def note(self, what: str) -> None:
        """Note that something struck; where it is the gateway, its clients are to come back."""
        if what.startswith("gateway"):
            self.watcher.note(what, {}, self.viewers.all_back())
        else:
            self.watcher.note(what, self.load.ledger.ends)

    def strike(self, fault: Fault) -> None:
        """Let a fault strike; what belongs to it later follows with the ticks."""
        self.note(fault.kind)
        self.struck.append(fault.kind)
        match fault.kind:
            case "broker_kill":
                self._kill_broker(self.brokers[fault.target])
            case "broker_pause":
                broker = self.brokers[fault.target]
                broker.pause()
                self._after(BROKER_HALT_S, lambda: self._resume(broker))
            case "gateway_kill":
                self.gateway.end(signal.SIGKILL)
            case "stop":
                self.workers[fault.target].end(signal.SIGTERM)
            case "halt":
                self._halt(self.workers[fault.target])
            case "kill" | "kill_wiped" | "kill_in_recovery":
                self._kill(self.workers[fault.target], fault.kind)

    def _kill(self, slot: Slot, kind: Kind) -> None:
        self._kill_now(slot)
        if kind != "kill":
            slot.wipe()
        if kind == "kill_in_recovery":
            self._awaited.append((slot.is_recovering, lambda: self._kill_again(slot)))

    def _kill_now(self, slot: Slot) -> None:
        self.kills += 1
        slot.end(signal.SIGKILL)
        slot.process.process.wait(20)

    def _kill_again(self, slot: Slot) -> None:
        self.note("kill in recovery")
        self._kill_now(slot)

    def _halt(self, slot: Slot) -> None:
        process = slot.process
        process.process.send_signal(signal.SIGSTOP)

        def go_on() -> None:
            self.note("goes on")
            process.process.send_signal(signal.SIGCONT)

        self._after(HALT_S, go_on)

    def _kill_broker(self, broker: Broker) -> None:
        broker.kill()

        def start_again() -> None:
            broker.launch()
            self._awaited.append((lambda: _serves(broker), lambda: self.note("broker back")))

        self._after(BROKER_AWAY_S, start_again)

    def _resume(self, broker: Broker) -> None:
        broker.resume()
        self.note("broker back")

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, action))


def _serves(broker: Broker) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, broker.port)) == 0


def _busiest(clients: int) -> list[tuple[str, str]]:
    return [(f"profile-{n // 2}", f"device-{n // 2}-{n % 2}") for n in range(clients)]
