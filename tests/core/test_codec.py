"""The bytes of a state: round trips, limits, versions."""

from pathlib import Path

import msgspec
import pytest
from event_strategies import DAY, EPOCH, T0, events, run
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_cw.core.codec import (
    VERSION,
    decode_source,
    decode_state,
    encode_state,
    encoded_size,
)
from stream_cw.core.events import DEVICE_TYPES, Episode, Play, Stop
from stream_cw.core.limits import EVENT_IDS, SHOWS, STATE_BYTES, U16
from stream_cw.core.packed_show import pack_show, unpack_show
from stream_cw.core.shows import Shows
from stream_cw.core.state import GAP_BINS, ProfileState, Source
from stream_cw.core.step import step
from stream_cw.errors import CorruptStateError, NewerStateError


@settings(deadline=None, max_examples=150)
@given(st.lists(events(forget=False), min_size=1, max_size=40))
def test_a_state_survives_its_bytes_and_goes_on_alike(history):
    state, _ = run(history)
    data = encode_state(state)
    assert decode_state(data) == state
    assert encode_state(decode_state(data)) == data
    assert encoded_size(state) == len(data)
    assert decode_source(data) == state.source
    after = Play(**fields("after", "device-1", T0 + 5 * DAY), title=episode(1, 1), position_ms=0)
    source = Source(EPOCH, 0, 1000)
    assert step(decode_state(data), after, source) == step(state, after, source)


def fields(event_id: str, device_id: str, ts: int) -> dict:
    return {
        "event_id": event_id,
        "profile_id": "p",
        "device_id": device_id,
        "device_type": "tv",
        "ts": ts,
    }


def episode(show: int, number: int, width: int = 16) -> Episode:
    return Episode(
        id=f"t{show:05}-{number:02}".ljust(width, "x"),
        series_id=f"s{show:05}".ljust(width, "x"),
        season=1,
        episode=number,
        duration_ms=3_000_000,
        credits_ms=2_900_000,
    )


def full_history(shows: int, *, width: int = 16, devices: int = 8, episodes: int = 6) -> list:
    """Every show on several devices with several episodes, long ids everywhere."""
    history, ts = [], T0
    for show in range(shows):
        for number in range(episodes):
            device = f"d{(show + number) % devices}".ljust(width, "x")
            ts += 3_600_000
            session = {"session_id": f"{ts}".ljust(width, "x")}
            common = fields(f"e{ts}".ljust(width, "x"), device, ts) | session
            history.append(Play(**common, title=episode(show, number, width), position_ms=0))
            stop = common | {"event_id": f"f{ts}".ljust(width, "x"), "ts": ts + 1_000_000}
            history.append(Stop(**stop, title=episode(show, number, width), position_ms=1_000_000))
    return history


def test_a_full_state_of_ids_of_16_bytes_holds_all_its_shows_and_ids():
    state, _ = run(full_history(SHOWS + 20))
    assert len(state.shows) == SHOWS
    assert len(state.event_ids) == 8 * EVENT_IDS
    assert len(state.devices) == 8
    assert len(encode_state(state)) <= STATE_BYTES
    newest = [unpack_show(show_id, packed) for show_id, packed in state.shows.items()][-1:]
    assert all(len(show.devices) == 3 and len(show.episodes) == 3 for show in newest)


def test_a_full_state_of_a_device_and_an_episode_a_show_needs_no_slimming():
    history = full_history(SHOWS, episodes=1)
    assert len(encode_state(run(history)[0])) < 11_600


@pytest.mark.parametrize("width", [64, 128])
def test_long_ids_cost_shows_and_never_bytes(width):
    state = None
    for offset, event in enumerate(full_history(80, width=width)):
        state = step(state, event, Source(EPOCH, 0, offset)).state
        assert encoded_size(state) <= STATE_BYTES
    assert len(encode_state(state)) <= STATE_BYTES
    assert len(state.shows) > 15
    assert f"s{79:05}".ljust(width, "x") in state.shows


def test_the_show_played_longest_ago_leaves_first():
    history = full_history(SHOWS, episodes=1)
    again = Play(**fields("again", "d0", history[-1].ts + 1000), title=episode(0, 1), position_ms=0)
    another = Play(
        **fields("another", "d0", history[-1].ts + 2000), title=episode(999, 1), position_ms=0
    )
    state, _ = run([*history, again, another])
    assert episode(0, 1).series_id in state.shows
    assert episode(1, 1).series_id not in state.shows
    assert len(state.shows) == SHOWS


def test_a_device_that_left_takes_its_statistics_along():
    history = full_history(2, devices=2, episodes=4)
    others = [
        Play(**fields(f"n{i}", f"new-{i}", history[-1].ts + i), title=episode(9, 1), position_ms=0)
        for i in range(7)
    ]
    state, _ = run([*history, *others])
    slots = range(len(state.devices))
    kept = {device.device_id for device in state.devices}
    assert len(kept) == 8
    gone = "d1".ljust(16, "x")
    assert gone not in kept
    for show_id, packed in state.shows.items():
        show = unpack_show(show_id, packed)
        assert all(device.slot in slots for device in show.devices)
        if show_id != episode(9, 1).series_id:
            assert len(show.devices) == 1, "one of its two devices left"


@pytest.mark.parametrize("decode", [decode_state, decode_source])
def test_a_newer_version_stops_the_reader_and_is_not_reset(decode):
    state, _ = run(full_history(1))
    newer = (VERSION + 1).to_bytes(2, "little") + encode_state(state)[2:]
    with pytest.raises(NewerStateError, match=f"version {VERSION + 1}.*reads up to {VERSION}"):
        decode(newer)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_damaged_bytes_are_refused_or_read_as_some_state(data):
    """No damage leads to another exception, and none to a state that cannot be written."""
    whole = bytearray(encode_state(run(full_history(3))[0]))
    cut = data.draw(st.integers(0, len(whole)))
    del whole[cut:]
    for _ in range(data.draw(st.integers(0, 5)) if whole else 0):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        state = decode_state(bytes(whole))
    except (CorruptStateError, NewerStateError):
        return
    assert isinstance(state, ProfileState)
    assert decode_source(bytes(whole)) == state.source


@pytest.mark.parametrize("decode", [decode_state, decode_source])
@pytest.mark.parametrize("data", [b"", b"\x01", b"\x00\x00", b"\x01\x00short"])
def test_what_is_no_state_is_corrupt(decode, data):
    with pytest.raises(CorruptStateError):
        decode(data)


def before_version_4(state: ProfileState) -> ProfileState:
    """Shows did not know who was there, nor when they were begun; devices had no deliberate act."""
    shows = {}
    for show_id, packed in state.shows.items():
        show = unpack_show(show_id, packed)
        assert show.started_ts is not None
        assert show.longest_gap > 0
        show.started_ts, show.longest_gap, show.stopped, show.nobody = None, 0, False, None
        shows[show_id] = pack_show(show)
    devices = tuple(
        msgspec.structs.replace(device, deliberate_ts=device.last_ts) for device in state.devices
    )
    gaps = (0,) * GAP_BINS
    return msgspec.structs.replace(state, shows=Shows.of(shows), devices=devices, resume_gaps=gaps)


def before_version_3(state: ProfileState) -> ProfileState:
    """Shows did not know where they were begun, and in which parts of the day they were watched."""
    state = before_version_4(state)
    shows = {}
    for show_id, packed in state.shows.items():
        show = unpack_show(show_id, packed)
        assert show.begun_slot is not None
        assert show.lately != U16
        show.begun_slot, show.lately = None, U16
        shows[show_id] = pack_show(show)
    return msgspec.structs.replace(state, shows=Shows.of(shows))


def test_a_state_of_version_1_is_read_for_ever():
    """The file was written by version 1; whatever comes after must read it as this state."""
    written = Path(__file__).with_name("state.v1.bin").read_bytes()
    state, _ = run(full_history(2, devices=3, episodes=3))
    share = 0xFFFF * state.resumed // (state.resumed + state.started)
    upgraded = msgspec.structs.replace(before_version_3(state), returning=(share, share))
    assert upgraded.returning != state.returning
    assert decode_state(written) == upgraded
    assert decode_state(encode_state(upgraded)) == upgraded


def test_a_state_of_version_2_is_read_for_ever():
    written = Path(__file__).with_name("state.v2.bin").read_bytes()
    state, _ = run(full_history(2, devices=3, episodes=3))
    assert decode_state(written) == before_version_3(state)


def test_a_state_of_version_3_is_read_for_ever():
    written = Path(__file__).with_name("state.v3.bin").read_bytes()
    state, _ = run(full_history(2, devices=3, episodes=3))
    assert decode_state(written) == before_version_4(state)


def test_a_state_of_version_4_is_read_for_ever():
    written = Path(__file__).with_name("state.v4.bin").read_bytes()
    state, _ = run(full_history(2, devices=3, episodes=3))
    assert decode_state(written) == state
    assert decode_source(written) == state.source


def test_the_bytes_of_version_5_are_pinned():
    written = Path(__file__).with_name("state.v5.bin").read_bytes()
    state, _ = run(full_history(2, devices=3, episodes=3))
    assert decode_state(written) == state
    assert VERSION > 5 or encode_state(state) == written


@pytest.mark.parametrize(
    "wrong",
    [
        {"cause_type": "dance"},
        {"minutes": (1, 2)},
        {"hours": (0,) * 9},
        {"resume_gaps": ()},
        {"source": Source(b"short", 0, 0)},
        {"shows": Shows(b"a/b", b"\1\0", b"x")},
        {"shows": Shows(b"a", b"\2\0", b"x")},
        {"shows": ("a", "\1\0", "x")},
        {"shows": 5},
        {"event_ids": "text"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_no_event_can_lead_to_is_corrupt(wrong):
    state = msgspec.structs.replace(run(full_history(1))[0], **wrong)
    with pytest.raises(CorruptStateError):
        decode_state(encode_state(state))


def test_a_device_of_no_type_is_corrupt():
    state, _ = run(full_history(1))
    device = msgspec.structs.replace(state.devices[0], device_type=len(DEVICE_TYPES))
    with pytest.raises(CorruptStateError):
        decode_state(encode_state(msgspec.structs.replace(state, devices=(device,))))
