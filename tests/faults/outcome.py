"""What a run came to, in figures."""

from collections import Counter
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct, field
from schedule import OF_BROKERS
from verdict import part

DRAIN_DEADLINE_S = 60.0


class Recovery(Struct, frozen=True):
    """How long it took until all was committed that lay there when something struck."""

    what: str
    at_s: float
    seconds: float | None


class Outcome(Struct, kw_only=True):
    """Figures of a run; what must be nothing stands in `faults_found`.

    Attributes
    ----------
    lost, doubled : int
        Events that the states counted too seldom and too often, and acknowledged ones that are not
        where they should be.
    wrong : dict of str to list of str
        By oracle, what differs; empty when all hold.
    lower, repeated : int
        Rows of a lower and of an equal version behind another one.
    hidden : int
        States that an older one lay on top of in the changelog, at the end.
    drained_s : float or None
        From the load's end until all was committed; None if it took too long.
    growth : dict of str to float
        MiB in ten minutes, of each worker's process that lived long enough.
    memory : dict of str to list of float
        What each worker's process held, MiB, minute by minute.
    """

    seed: int
    seconds: float
    brokers: int
    workers: int
    clients: int
    struck: dict[str, int]
    kills: int
    ended_themselves: list[str]
    events: int
    acknowledged: int
    unacknowledged: int
    rows: int
    dead_letters: int
    lost: int
    doubled: int
    wrong: dict[str, list[str]]
    repeated: int
    lower: int
    hidden: int
    came_back: int
    client_rows: int
    recoveries: list[Recovery] = field(default_factory=list)
    drained_s: float | None = None
    delay_p50_ms: float | None = None
    delay_p99_ms: float | None = None
    most_mib: float = 0.0
    growth: dict[str, float] = field(default_factory=dict)
    memory: dict[str, list[float]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return not (self.lost or self.doubled or self.wrong or self.drained_s is None)

    @property
    def recovery_s(self) -> list[float]:
        """Sorted. With a broker gone the clock runs from when it is back: "broker back"."""
        return sorted(
            found.seconds
            for found in self.recoveries
            if found.seconds is not None and found.what not in OF_BROKERS
        )

    def figures(self) -> str:
        """One line for the end of a test run."""
        struck = ", ".join(f"{count} {kind}" for kind, count in self.struck.items())
        wrong = sum(map(len, self.wrong.values()))
        times = self.recovery_s
        recovered = (
            f"recovery median {median(times):.1f} s, p95 {part(times, 0.95):.1f} s, "
            f"longest {times[-1]:.1f} s"
            if times
            else "nothing to recover from"
        )
        drained = "NOT DRAINED" if self.drained_s is None else f"drained in {self.drained_s:.1f} s"
        delay = (
            ""
            if self.delay_p99_ms is None
            else f"; event to row, when quiet: p50 {self.delay_p50_ms:.0f} ms, "
            f"p99 {self.delay_p99_ms:.0f} ms"
        )
        growth = ", ".join(f"{name} {slope:+.2f}" for name, slope in self.growth.items())
        return (
            f"seed {self.seed}, {self.seconds:.0f} s, {self.brokers} broker(s), {self.workers} "
            f"workers: {struck or 'no fault'} ({self.kills} SIGKILL of workers; "
            f"{len(self.ended_themselves)} ended themselves); {self.events} events, {self.rows} "
            f"rows, {self.dead_letters} dead letters; lost {self.lost}, doubled {self.doubled}, "
            f"wrong {wrong}; repeated {self.repeated}, lower {self.lower}, hidden {self.hidden}; "
            f"{recovered}; {drained}; {self.clients} clients came back {self.came_back} times, "
            f"{self.client_rows} rows{delay}; a worker "
            f"held at most {self.most_mib:.0f} MiB{growth and f'; MiB in ten minutes: {growth}'}"
        )

    def complaints(self) -> str:
        """What is amiss, some of each kind."""
        found = [f"{name}: {len(items)}, such as {items[:5]}" for name, items in self.wrong.items()]
        ends = Counter(self.ended_themselves)
        return "\n".join([*found, *(f"{count} times: {words}" for words, count in ends.items())])

    def write(self, path: Path) -> None:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")
