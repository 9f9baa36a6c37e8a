"""Random events of one profile, and a way through `step` for them.

The events are made from small moves (who, how much later, what), so that Hypothesis shrinks a
failure to a few of them; the catalogue is small, so that they meet each other.
"""

import random
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import asdict

from stream_cw.core import events as ev
from stream_cw.core.packed_show import unpack_show
from stream_cw.core.state import ProfileState, Source, live_devices
from stream_cw.core.step import step

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
START = 1_700_000_000_000
EPOCH = b"topic-of-a-test-"

TITLES: tuple[ev.Title, ...] = (
    ev.Movie(id="film", duration_ms=2 * HOUR, credits_ms=110 * MINUTE),
    ev.Movie(id="film"),
    ev.Movie(id="other-film", duration_ms=90 * MINUTE),
    *(
        ev.Episode(id=f"e{n}", series_id="series", season=1, episode=n, duration_ms=50 * MINUTE)
        for n in range(6)
    ),
    ev.Episode(id="e0", series_id="series", season=1, episode=0),
    ev.Episode(id="e1", series_id="series", credits_ms=48 * MINUTE),
    ev.Episode(id="o1", series_id="other-series", season=2, episode=1, duration_ms=20 * MINUTE),
    ev.Supplemental(id="trailer", series_id="series"),
)
SHOWS = ("film", "other-film", "series", "other-series", "never-seen")
LATER = (
    0,
    1,
    SECOND,
    SECOND - 1,
    MINUTE,
    7 * MINUTE,
    30 * MINUTE,
    30 * MINUTE + 1,
    3 * HOUR,
    DAY,
    5 * DAY,
    16 * DAY,
    45 * DAY,
)
LATE = (-1, -SECOND, -MINUTE, -31 * MINUTE, -5 * HOUR, -2 * DAY, -9 * DAY, -70 * DAY)
POSITIONS = (0, SECOND, 4 * MINUTE, 20 * MINUTE, 49 * MINUTE, 2 * HOUR)


class Device(NamedTuple):
    """A device of the member: its id and its class."""

    device_id: str
    device_type: ev.DeviceType


DEVICE_LIST = tuple(Device(f"d{i}", kind) for i, kind in enumerate(ev.DEVICE_TYPES[:5]))
CROWD = tuple(Device(f"c{i:02}", ev.DEVICE_TYPES[i % 7]) for i in range(12))


_PLAYBACK = (ev.Play, ev.Play, ev.Play, ev.Pause, ev.Stop, ev.Progress)
_SIGNS = (ev.SessionStart, ev.HomeView, ev.Browse, ev.Scroll, ev.Skip, ev.DisplayOff)
_FLAGS = (ev.Remove, ev.UndoRemove, ev.Rating, ev.MarkWatched)
_KINDS = ("watch",) * 14 + ("sign",) * 3 + ("flag",) * 2 + ("repeat", "switch", "switch", "forget")
_SESSIONS = (None, None, None, "s1", "s2")
_OFFSETS = (None, 0, -300, 330, 840)


class Move(NamedTuple):
    """What is drawn for one event; `choice` picks among what the kind leaves open."""

    kind: str
    device: Device
    later: int
    session_id: str | None
    tz_offset_min: int | None
    choice: int
    position: int


@st.composite
def event_lists(
    draw: st.DrawFn,
    devices: Sequence[Device] = DEVICE_LIST,
    min_size: int = 1,
    max_size: int = 30,
) -> list[ev.Event]:
    """Draw a profile's events in order of arrival.

    Half of the lists keep to two titles, so that playbacks go on.
    """
    titles = TITLES
    if draw(st.booleans()):
        first = draw(st.integers(0, len(TITLES) - 2))
        titles = TITLES[first : first + 2]
    move = st.builds(
        Move,
        st.sampled_from(_KINDS),
        st.sampled_from(devices),
        st.sampled_from(LATER) | st.sampled_from(LATER + LATE),
        st.sampled_from(_SESSIONS),
        st.sampled_from(_OFFSETS),
        st.integers(0, 10_000),
        st.sampled_from(POSITIONS),
    )
    start = START + draw(st.integers(0, 60 * 24)) * HOUR
    return make_events(draw(st.lists(move, min_size=min_size, max_size=max_size)), start, titles)


def long_history(seed: int, size: int, titles: Sequence[ev.Title]) -> list[ev.Event]:
    """Make a history beyond the limits of shows, devices and remembered ids; nothing is erased."""
    rng = random.Random(seed)
    moves = (
        Move(
            rng.choice(_KINDS[:-3]),
            rng.choice(CROWD),
            rng.choice(LATE[:6] if rng.random() < 0.1 else LATER[:10]),
            rng.choice(_SESSIONS),
            rng.choice(_OFFSETS),
            rng.randrange(10_000),
            rng.choice(POSITIONS),
        )
        for _ in range(size)
    )
    return make_events(moves, START, titles, furthest_repeat=300)


def make_events(
    moves: Iterable[Move],
    start: int,
    titles: Sequence[ev.Title] = TITLES,
    furthest_repeat: int = 3,
) -> list[ev.Event]:
    """Make events from moves; a late one does not turn back the time of those behind it."""
    now = start
    made: list[ev.Event] = []
    for number, move in enumerate(moves):
        now += max(0, move.later)
        if move.kind == "repeat" and made:
            made.append(made[-1 - move.choice % min(furthest_repeat, len(made))])
            continue
        fields = {
            "event_id": f"id-{number}",
            "profile_id": "p",
            "device_id": move.device.device_id,
            "device_type": move.device.device_type,
            "ts": now + min(0, move.later),
            "session_id": move.session_id,
            "tz_offset_min": move.tz_offset_min,
            "country": (None, None, "BR", "DE")[move.choice % 4],
        }
        made.append(_event(move, fields, titles))
    return made


def _event(move: Move, fields: dict[str, Any], titles: Sequence[ev.Title]) -> ev.Event:
    other, choice = divmod(move.choice, len(titles))
    title = titles[choice]
    if move.kind == "watch":
        made_as = _PLAYBACK[other % len(_PLAYBACK)]
        if made_as is ev.Play:
            fields["autoplay"] = move.choice % 3 == 0
        return made_as(**fields, title=title, position_ms=move.position)
    if move.kind == "flag":
        made_as = _FLAGS[other % len(_FLAGS)]
        if made_as is ev.MarkWatched:
            return made_as(**fields, title=title)
        if made_as is ev.Rating:
            fields["rating"] = move.choice % 4 - 1
        return made_as(**fields, show_id=SHOWS[move.choice % len(SHOWS)])
    if move.kind == "switch":
        return ev.SetRecording(**fields, recording=move.choice % 2 == 0)
    if move.kind == "forget" and move.choice % 4 == 0:
        return ev.ForgetProfile(**fields)
    return _SIGNS[other % len(_SIGNS)](**fields)


def run(events: Iterable[ev.Event], state: ProfileState | None = None) -> ProfileState | None:
    """Take events through `step`, each at its own offset, behind those that a state has seen."""
    first = state.source.offset + 1 if state else 0
    for offset, event in enumerate(events, first):
        source = Source(EPOCH, 0, offset)
        state = step(state, event, source).state
        assert state is None or state.source == source
    return state


def numbers(state: ProfileState | None) -> dict[str, Any] | None:
    """Lay a state out as the oracle does: every field, devices by id instead of by slot."""
    if state is None:
        return None
    ids = [device.device_id for device in state.devices]
    laid_out = asdict(state)
    del laid_out["source"]
    packed = state.event_ids
    return {
        **laid_out,
        "minutes": list(state.minutes),
        "hours": list(state.hours),
        "devices": {device.device_id: _device(device) for device in state.devices},
        "shows": {show_id: _show(show_id, data, ids) for show_id, data in state.shows.items()},
        "event_ids": [
            int.from_bytes(packed[at : at + 8], "little") for at in range(0, len(packed), 8)
        ],
        "live": set(live_devices(state)),
    }


def _device(device: Struct) -> dict[str, Any]:
    return {**asdict(device), "open": None if device.open is None else asdict(device.open)}


def _show(show_id: str, data: bytes, ids: Sequence[str]) -> dict[str, Any]:
    show = unpack_show(show_id, data)
    laid_out = msgspec.to_builtins(show)
    slot, begun = laid_out.pop("position_slot"), laid_out.pop("begun_slot")
    nobody = laid_out["nobody"]
    if nobody is not None and nobody["bookmark"] is not None:
        mark = nobody["bookmark"]
        nobody["bookmark"] = (mark["title_id"], mark["position_ms"], mark["ts"])
    return {
        **laid_out,
        "begun_on": None if begun is None else ids[begun],
        "position_device": None if slot is None else ids[slot],
        "devices": {ids[d.slot]: (d.last_s, d.plays, d.sessions_at) for d in show.devices},
        "episodes": {e.title: (e.position_ms, e.duration_ms, e.ts) for e in show.episodes},
    }


def differences(seen: Any, wanted: Any, path: str = "") -> list[str]:
    """Name each number that differs, by its path in the state."""
    if isinstance(seen, dict) and isinstance(wanted, dict):
        return [
            line
            for key in dict.fromkeys((*seen, *wanted))
            for line in differences(seen.get(key), wanted.get(key), f"{path}.{key}")
        ]
    return [] if seen == wanted else [f"{path[1:]}: {seen} instead of {wanted}"]
