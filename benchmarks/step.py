"""What a step costs, in parts and beside the least it could: `python -m benchmarks.step`.

A whole step takes the bytes of a state and of an event, and makes the bytes of the next state and
of the device's row: decoding, admission, aggregates, features, scores, tiles, encoding, with the
shipped model. A full profile has 64 series on three devices, of which all belong in the row; where
each was watched three times, the state is at its limit of bytes, and a play takes details out.
Events follow one another as they would: the app is opened, an episode is played, and stopped.

Each event is timed on its own, by the CPU time of the thread, in rounds in which all parts take
turns. What else runs on a machine still weighs: it takes caches and half of a core. So a figure is
of the events at their quickest of all rounds; `as it came` is of all calls.

The floor is msgspec alone on what a step reads and writes: the event and the row as JSON, the same
state as MessagePack, into and from the same structs.
"""

import statistics
import time
from collections.abc import Callable
from itertools import chain, islice
from typing import Annotated, Any, Final

import msgspec
import typer

from benchmarks.bars import Check, Figure, Json, at_most, below, report, shown
from benchmarks.members import PROFILE, Member
from stream_cw.core.codec import decode_state, encode_state
from stream_cw.core.events import Event, encode_event
from stream_cw.core.limits import SHOWS
from stream_cw.core.partition import partition_for
from stream_cw.core.records import Record, admit
from stream_cw.core.row import View, row
from stream_cw.core.rows import encode_row
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step
from stream_cw.history.replay import PLAIN_EPOCH
from stream_cw.model.chosen import choose
from stream_cw.worker.held import Held
from stream_cw.worker.output import Output, put_out
from stream_cw.worker.stats import Stats
from stream_cw.worker.work import Partition, Work

EVENTS: Final = 300
PARTITIONS: Final = 4
KEY: Final = PROFILE.encode()
PARTITION: Final = partition_for(KEY, PARTITIONS)
VIEW: Final = View(scorer=choose("shipped"))

WHOLE, APPLY, FLOOR = "whole step", "state alone: decode, apply, encode", "floor: msgspec alone"
WORKER: Final = "whole step in the worker, round of one"
WHOLE_US, TAIL, APPLY_US, GROWTH = 120.0, 3.0, 30.0, 1.3


Plain: Final = msgspec.defstruct(
    "Plain",
    [
        (field.name, dict[str, bytes] if field.name == "shows" else field.type)
        for field in msgspec.structs.fields(ProfileState)
    ],
)
"""A state whose shows msgspec packs, too."""


def plain(state: ProfileState) -> msgspec.Struct:
    """Give a state to msgspec alone."""
    return Plain(**{**msgspec.structs.asdict(state), "shows": state.shows.by_id()})


class Moment:
    """A state and the event that comes next, as bytes, and where the event stands."""

    def __init__(self, state: ProfileState, event: Event, offset: int) -> None:
        self.data = encode_state(state)
        self.packed = msgspec.msgpack.encode(plain(state))
        value = encode_event(event)
        self.record = Record(KEY, value, PARTITION, offset, append_ts=event.ts)
        self.source = Source(PLAIN_EPOCH, PARTITION, offset)
        self.device_id = event.device_id
        after = step(state, event, self.source).state
        assert after is not None
        self.after, self.plain_after = after, plain(after)
        self.event = event
        self.row = row(after, PROFILE, event.device_id, VIEW)


def moments(member: Member) -> list[Moment]:
    """Let a member go on for some events."""
    state, found = member.state, []
    for offset, event in enumerate(islice(member.goes_on(), EVENTS), start=member.applied):
        found.append(Moment(state, event, offset))
        state = found[-1].after
    return found


def whole(moment: Moment) -> tuple[bytes, bytes]:
    """Take the step of a moment: the next state and the row."""
    state = decode_state(moment.data)
    event = admit(moment.record, PARTITIONS)
    after = step(state, event, moment.source).state
    assert after is not None
    made = row(after, PROFILE, event.device_id, VIEW)
    return encode_state(after), encode_row(made)


def state_alone(moment: Moment) -> bytes:
    """Take a decoded event into the state, as where no row is wanted."""
    after = step(decode_state(moment.data), moment.event, moment.source).state
    assert after is not None
    return encode_state(after)


def in_worker(moment: Moment) -> list[Any]:
    """Take the step as a round of the worker does."""
    work = Work(
        Partition(PLAIN_EPOCH, PARTITION, PARTITIONS),
        mark=moment.source.offset - 1,
        lookup=lambda _key: decode_state(moment.data),
    )
    work.take(moment.record)
    output = Output.of(work)
    out = put_out(output, work, topic="events", held=HELD, view=VIEW, now_ms=0, stats=Stats())
    for _ in out:
        pass
    return output.rows


HELD: Final = Held(1)
_events: Final = msgspec.json.Decoder(Event)
_states: Final = msgspec.msgpack.Decoder(Plain)
_json: Final = msgspec.json.Encoder()
_packed: Final = msgspec.msgpack.Encoder()


def floor(moment: Moment) -> tuple[bytes, bytes]:
    """Decode and encode what a step reads and writes, and do nothing in between."""
    _states.decode(moment.packed)
    _events.decode(moment.record.value or b"")
    return _packed.encode(moment.plain_after), _json.encode(moment.row)


PARTS: Final[dict[str, Callable[[Moment], object]]] = {
    WHOLE: whole,
    APPLY: state_alone,
    "decode the state": lambda moment: decode_state(moment.data),
    "decode and admit the event": lambda moment: admit(moment.record, PARTITIONS),
    "row": lambda moment: row(moment.after, PROFILE, moment.device_id, VIEW),
    "encode the state": lambda moment: encode_state(moment.after),
    "encode the row": lambda moment: encode_row(moment.row),
    FLOOR: floor,
    WORKER: in_worker,
}


class Spread:
    """Times of one part, microseconds, by event."""

    def __init__(self) -> None:
        self._times: list[list[float]] = [[] for _ in range(EVENTS)]

    def take(self, call: Callable[[Moment], object], found: list[Moment]) -> None:
        """Time a call on each moment."""
        clock = time.thread_time_ns
        for times, moment in zip(self._times, found, strict=True):
            began = clock()
            call(moment)
            times.append((clock() - began) / 1000)

    @property
    def median(self) -> float:
        """Half of the events took no longer, each at its quickest."""
        return statistics.median(map(min, self._times))

    @property
    def p99(self) -> float:
        """One event in a hundred took longer, each at its quickest."""
        return statistics.quantiles(map(min, self._times), n=100)[-1]

    @property
    def as_it_came(self) -> tuple[float, float]:
        """Median and 99th percentile of all calls."""
        times = list(chain.from_iterable(self._times))
        return statistics.median(times), statistics.quantiles(times, n=100)[-1]


def measured(rounds: int) -> list[Figure]:
    """Time all parts in turns."""
    full, crammed = moments(Member(SHOWS)), moments(Member(3 * SHOWS))
    few, many = moments(Member(30, 30)), moments(Member(10_000, 10_000))
    prove(full)
    parts = {name: Spread() for name in PARTS}
    others = [
        (Spread(), call, found)
        for call, found in ((whole, few), (whole, many), (whole, crammed), (state_alone, crammed))
    ]
    for _ in range(rounds):
        for name, call in PARTS.items():
            parts[name].take(call, full)
        for spread, call, found in others:
            spread.take(call, found)
    step_, apply_, floor_ = (parts[name] for name in (WHOLE, APPLY, FLOOR))
    short, long, most, most_alone = (spread.median for spread, _, _ in others)
    median, p99 = step_.as_it_came
    return [
        below(f"{WHOLE}, median", step_.median, "us", WHOLE_US),
        below(f"{WHOLE}, p99 over the median", step_.p99 / step_.median, "x", TAIL),
        below(f"{APPLY}, median", apply_.median, "us", APPLY_US),
        at_most("10,000 titles over 30", long / short, "x", GROWTH),
        shown(f"{WHOLE}, as it came, median", median, "us"),
        shown(f"{WHOLE}, as it came, p99 over the median", p99 / median, "x"),
        *(
            shown(name, spread.median, "us")
            for name, spread in parts.items()
            if spread not in (step_, apply_)
        ),
        shown("whole step over the floor", step_.median / floor_.median, "x"),
        shown("whole step, 30 titles", short, "us"),
        shown("whole step, 10,000 titles", long, "us"),
        shown("whole step, state at its limit", most, "us"),
        shown(f"{APPLY}, state at its limit", most_alone, "us"),
        shown("bytes of the state", len(full[-1].data), "bytes"),
        shown("bytes of the state at its limit", len(crammed[-1].data), "bytes"),
        shown("tiles of the row", len(full[-1].row.tiles), ""),
    ]


def prove(found: list[Moment]) -> None:
    """Hold what is timed to what it is said to be."""
    moment = found[-1]
    assert whole(moment) == (encode_state(moment.after), encode_row(moment.row))
    assert state_alone(moment) == encode_state(moment.after)
    assert in_worker(moment)[0].value == encode_row(moment.row)
    assert _states.decode(moment.packed) == plain(decode_state(moment.data))


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Each over all parts and events.")] = 10,
    json: Json = None,
    check: Check = False,
) -> None:
    """Print what a step costs, each figure beside its bar."""
    title = f"a step on a full profile; CPU time, {EVENTS} events in {rounds} rounds"
    report(title, measured(rounds), json=json, check=check)


if __name__ == "__main__":
    typer.run(main)
