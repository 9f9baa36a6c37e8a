"""A worker that does the trivial job: `python -m benchmarks.plumbing`, settings as a worker's.

All of the worker is as it is (transport, rounds, changelog, store, guard by the mark) but what it
does with a record and how it encodes what comes of that: those two are put in the place of the
worker's own, in this process alone.
"""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from benchmarks.jobs import Sent, trivial
from stream_cw.config import load_settings
from stream_cw.core.records import Record
from stream_cw.worker import flight, rounds
from stream_cw.worker.held import Held
from stream_cw.worker.output import Output
from stream_cw.worker.run import run_worker
from stream_cw.worker.sending import Outgoing
from stream_cw.worker.stats import Stats
from stream_cw.worker.work import Work

JOB: Final = trivial()


class Known(Struct, frozen=True):
    """A state as the trivial job leaves it."""

    data: bytes
    now: int = 0


class TrivialWork(Work):
    """Takes records by the trivial job; the last row of a device in a round is sent."""

    def take(self, record: Record) -> None:
        """Take the next record."""
        if record.offset <= self._mark:
            self.redelivered += 1
            return
        self.last = record.offset
        key: Any = record.key
        before: Any = self.changes[key] if key in self.changes else self._lookup(key)
        after, sent = JOB(None if before is None else before.data, record)
        self.changes[key] = None if after is None else Known(after)  # type: ignore[assignment]
        self.applied += 1
        for row in sent:
            if self.due.pop(row.key, None) is not None:
                self.conflated += 1
            self.due[row.key] = row  # type: ignore[assignment]


def put_out(
    output: Output, work: Work, *, held: Held, now_ms: int, stats: Stats, **_: Any
) -> Iterator[None]:
    """Encode what came of a partition's records, bit by bit."""
    rows: Any = work.due
    row: Sent
    for key, row in rows.items():
        if held.is_new(key, row.value or b"", now_ms):
            stats.rows += 1
            output.rows.append(Outgoing(*row))
        else:
            stats.held_back += 1
        yield
    states: Any = work.changes
    output.stored = {key: state.data for key, state in states.items()}


def main() -> int:
    for module, name, trivially in (
        (rounds, "Work", TrivialWork),
        (rounds, "put_out", put_out),
        (flight, "decode_state", Known),
    ):
        assert hasattr(module, name), f"the worker has no {module.__name__}.{name} any more"
        setattr(module, name, trivially)
    return run_worker(load_settings())


if __name__ == "__main__":
    raise SystemExit(main())
