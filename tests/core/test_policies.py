"""Policies: what each calls begun and over, as tables with the value below, at and above a limit.

A table tells where somebody stopped, how long the title is and where its credits begin (`-`: not
known), and what becomes of it as a film and as an episode: `no`, not begun, not in the row; `on`,
begun, the row goes on there; `over`, finished: the film is gone, of the series the next is offered.
"""

from typing import get_args

import msgspec
import pytest
from event_strategies import MINUTE, T0, run

from stream_cw.core.events import Episode, Event, Movie, Play, Stop
from stream_cw.core.policies import (
    JELLYFIN,
    KODI,
    PLEX,
    POLICIES,
    STREMIO,
    WATCH_NEXT,
    OwnPolicy,
    own_policy,
)
from stream_cw.core.row import View, row
from stream_cw.core.rules import Asleep, Policy

CASES = {
    "watch-next": """
        # two minutes; of a film 3 % where that is earlier, here 1:48 of an hour
        1:59.999      -        -            no    no
        2:00.000      -        -            on    on
        2:00.001      -        -            on    on
        1:47.999      1:00:00  -            no    no
        1:48.000      1:00:00  -            on    no
        1:48.001      1:00:00  -            on    no
        1:59.999      2:00:00  -            no    no
        2:00.000      2:00:00  -            on    on
        # to the credits, whatever the length
        54:59.999     1:00:00  55:00        on    on
        55:00.000     1:00:00  55:00        over  over
        55:00.001     1:00:00  55:00        over  over
        58:20.000     1:00:00  59:10        on    on
        54:59.999     -        55:00        on    on
        55:00.000     -        55:00        over  over
        # credits not known: to 95 % ...
        1:53:59.999   2:00:00  -            on    on
        1:54:00.000   2:00:00  -            over  over
        1:54:00.001   2:00:00  -            over  over
        # ... or less than three minutes before the end
        26:59.999     30:00    -            on    on
        27:00.000     30:00    -            on    on
        27:00.001     30:00    -            over  over
        # a length that is not known has no end
        10:00:00.000  -        -            on    on
    """,
    "jellyfin": """
        # 5 %, here 3 of 60 minutes; without a length whatever was played
        2:59.999      1:00:00  -            no    no
        3:00.000      1:00:00  -            on    on
        3:00.001      1:00:00  -            on    on
        0:00.000      -        -            no    no
        0:00.001      -        -            on    on
        # more than 90 %; credits are not looked at
        53:59.999     1:00:00  -            on    on
        54:00.000     1:00:00  -            on    on
        54:00.001     1:00:00  -            over  over
        50:00.000     1:00:00  49:00        on    on
        54:00.001     1:00:00  58:00        over  over
        50:00.000     -        49:00        on    on
        # what is shorter than five minutes is played
        1:00.000      4:59.999 -            over  over
        1:00.000      5:00.000 -            on    on
        1:00.000      5:00.001 -            on    on
        10:00:00.000  -        -            on    on
    """,
    "plex": """
        # begun as in watch-next
        1:59.999      -        -            no    no
        2:00.000      -        -            on    on
        1:47.999      1:00:00  -            no    no
        1:48.000      1:00:00  -            on    no
        1:59.999      2:00:00  -            no    no
        2:00.000      2:00:00  -            on    on
        # 90 %
        53:59.999     1:00:00  -            on    on
        54:00.000     1:00:00  -            over  over
        54:00.001     1:00:00  -            over  over
        # the credits where they are earlier
        49:59.999     1:00:00  50:00        on    on
        50:00.000     1:00:00  50:00        over  over
        50:00.001     1:00:00  50:00        over  over
        53:59.999     1:00:00  58:00        on    on
        54:00.000     1:00:00  58:00        over  over
        49:59.999     -        50:00        on    on
        50:00.000     -        50:00        over  over
        10:00:00.000  -        -            on    on
    """,
    "kodi": """
        # the first three minutes are ignored
        2:59.999      1:00:00  -            no    no
        3:00.000      1:00:00  -            on    on
        3:00.001      1:00:00  -            on    on
        2:59.999      -        -            no    no
        3:00.000      -        -            on    on
        # 90 %; the last 8 % lie behind
        53:59.999     1:00:00  -            on    on
        54:00.000     1:00:00  -            over  over
        54:00.001     1:00:00  -            over  over
        55:11.999     1:00:00  -            over  over
        55:12.001     1:00:00  -            over  over
        # credits are not looked at
        50:00.000     1:00:00  49:00        on    on
        54:00.000     1:00:00  58:00        over  over
        50:00.000     -        49:00        on    on
        10:00:00.000  -        -            on    on
    """,
    "stremio": """
        # whatever was begun
        0:00.000      1:00:00  -            no    no
        0:00.001      1:00:00  -            on    on
        0:00.001      -        -            on    on
        # at 70 % it is marked as watched there, and stays
        41:59.999     1:00:00  -            on    on
        42:00.000     1:00:00  -            on    on
        42:00.001     1:00:00  -            on    on
        # beyond 90 % there are the credits, whatever a mark says
        53:59.999     1:00:00  -            on    on
        54:00.000     1:00:00  -            on    on
        54:00.001     1:00:00  -            over  over
        50:00.000     1:00:00  49:00        on    on
        54:00.001     1:00:00  58:00        over  over
        50:00.000     -        49:00        on    on
        10:00:00.000  -        -            on    on
    """,
}

Case = tuple[str, int, int | None, int | None, str, str]


def time(text: str) -> int | None:
    """`h:mm:ss.mmm`, as far as it is needed, in ms."""
    if text == "-":
        return None
    *whole, rest = text.split(":")
    minutes = sum(int(part) * 60**n for n, part in enumerate(reversed(whole)))
    return minutes * 60_000 + round(float(rest) * 1000)


def cases() -> list[Case]:
    found = []
    for name, table in CASES.items():
        for line in filter(None, map(str.strip, table.splitlines())):
            if not line.startswith("#"):
                position, length, credit, film, episode = line.split()
                at = time(position)
                assert at is not None
                found.append((name, at, time(length), time(credit), film, episode))
    return found


def becomes(policy: Policy, title: Movie | Episode, position: int) -> str:
    """Stop a title at a position and look at the row."""
    who = {"profile_id": "p", "device_id": "tv", "device_type": "tv"}
    state, _ = run(
        [
            Play(event_id="e0", ts=T0, title=title, position_ms=0, **who),
            Stop(event_id="e1", ts=T0 + MINUTE, title=title, position_ms=position, **who),
        ]
    )
    assert state is not None
    tiles = row(state, "p", "tv", View(policy=policy)).tiles
    if not tiles:
        return "not there"
    return "over" if tiles[0].up_next else "on"


@pytest.mark.parametrize(("name", "position", "length", "credit", "film", "episode"), cases())
def test_what_becomes_of_a_title(
    name: str, position: int, length: int | None, credit: int | None, film: str, episode: str
) -> None:
    facts = {"duration_ms": length, "credits_ms": credit}
    wanted = "on" if film == "on" else "not there"
    assert becomes(POLICIES[name], Movie(id="film", **facts), position) == wanted
    part = Episode(id="e1", series_id="series", season=1, episode=1, **facts)
    assert becomes(POLICIES[name], part, position) == episode.replace("no", "not there")


@pytest.mark.parametrize("name", POLICIES)
def test_a_series_of_which_little_was_seen_is_not_begun_by_a_second_look(name: str) -> None:
    """Stremio's row has whatever was played."""
    who = {"profile_id": "p", "device_id": "tv", "device_type": "tv"}
    history: list[Event] = []
    for n in range(1, 3):
        facts = {"series_id": "series", "season": 1, "episode": n, "duration_ms": 45 * MINUTE}
        title, ts = Episode(id=f"e{n}", **facts), T0 + n * MINUTE
        history.append(Play(event_id=f"a{n}", ts=ts, title=title, position_ms=0, **who))
        history.append(Stop(event_id=f"b{n}", ts=ts + 9000, title=title, position_ms=9000, **who))
    state, _ = run(history)
    assert state is not None
    shown = [tile.title_id for tile in row(state, "p", "tv", View(policy=POLICIES[name])).tiles]
    assert shown == (["e2"] if name == "stremio" else [])


def test_every_policy_has_its_table() -> None:
    assert CASES.keys() == POLICIES.keys()
    assert set(POLICIES.values()) == {WATCH_NEXT, JELLYFIN, PLEX, KODI, STREMIO}
    assert all(policy.name == name for name, policy in POLICIES.items())


def test_a_base_is_one_of_the_named() -> None:
    (base,) = (f for f in msgspec.structs.fields(OwnPolicy) if f.name == "base")
    assert set(get_args(get_args(base.type)[0])) == POLICIES.keys()


def test_of_a_film_that_is_short_three_minutes_left_are_the_whole() -> None:
    policy = Policy(name="own", finished_per_mille=1000, left_ms=180_000)
    assert becomes(policy, Movie(id="film", duration_ms=180_000), 1) == "not there"
    assert becomes(policy, Movie(id="film", duration_ms=180_001), 1) == "on"


class TestOwn:
    def test_what_is_left_out_is_as_in_the_base(self) -> None:
        told = {"base": "watch-next", "left_ms": 60_000, "asleep": {"night": 900}}
        found = own_policy(told, "mine")
        wanted = {"name": "mine", "left_ms": 60_000, "asleep": Asleep(night=900)}
        assert found == msgspec.structs.replace(WATCH_NEXT, **wanted)

    def test_what_the_base_has_can_be_left(self) -> None:
        told = {"base": "watch-next", "name": "n", "without": ["asleep", "started_per_mille"]}
        found = own_policy(told, "mine")
        wanted = {"name": "n", "asleep": None, "started_per_mille": None}
        assert found == msgspec.structs.replace(WATCH_NEXT, **wanted)

    def test_without_a_base_all_but_the_end_may_be_left_out(self) -> None:
        found = own_policy({"finished_per_mille": 800}, "mine")
        assert found == Policy(name="mine", finished_per_mille=800)

    @pytest.mark.parametrize("name", POLICIES)
    def test_a_named_one_told_field_by_field_is_the_named_one(self, name: str) -> None:
        assert own_policy(msgspec.to_builtins(POLICIES[name]), "x") == POLICIES[name]

    @pytest.mark.parametrize(
        ("told", "message"),
        [
            ({}, "missing required field `finished_per_mille`"),
            ({"base": "netflix"}, "$.base"),
            ({"base": 5}, "Expected `str | null`, got `int` - at `$.base`"),
            ({"base": "kodi", "left_ms": "1 min"}, "Expected `int`, got `str` - at `$.left_ms`"),
            ({"base": "kodi", "left_ms": -1}, "Expected `int` >= 0 - at `$.left_ms`"),
            ({"finished_per_mille": 1001}, "Expected `int` <= 1000 - at `$.finished_per_mille`"),
            ({"base": "kodi", "finished": 900}, "unknown field `finished`"),
            ({"base": "kodi", "asleep": {"nights": 1}}, "unknown field `nights` - at `$.asleep`"),
            ({"base": "kodi", "without": ["credits"]}, "$.without[0]"),
            ({"base": "kodi", "credits": "often"}, "$.credits"),
        ],
    )
    def test_what_is_wrong_is_named(self, told: dict[str, object], message: str) -> None:
        with pytest.raises(msgspec.ValidationError) as caught:
            own_policy(told, "mine")
        assert message in str(caught.value)
