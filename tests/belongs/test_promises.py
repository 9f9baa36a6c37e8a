"""A household of three devices, at random, against the promises that the row makes it.

Events are late (a device without network tells later, in its own order), are repeated, and what is
released changes in between. After each step the row must be what `promises.py` says of all that has
arrived, and at the end it must be so after the same events in other orders of arrival.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from promises import DAY, LASTS, MINUTE, SECOND, Offer, Promises, Release, Shelf

from stream_cw.core.catalog import CatalogEntry, EpisodeEntry, MovieEntry, Season, SeriesEntry
from stream_cw.core.events import (
    Episode,
    Event,
    HomeView,
    MarkWatched,
    Movie,
    Pause,
    Play,
    Remove,
    SessionStart,
    Stop,
    UndoRemove,
)
from stream_cw.core.row import View, row
from stream_cw.core.rules import WATCH_NEXT
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step
from stream_cw.core.works import pack_work

DEVICES = ("tv", "phone", "tablet")
SHOWS = ("film", "news", "saga")
START = 1_704_067_200_000
POLICY = WATCH_NEXT

some = st.integers(0, 11)
"""Picks one of what there is to choose from."""


class Player:
    """A device: what it plays, and what it has not told yet."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.online = True
        self.waiting: list[Event] = []
        self.title: Movie | Episode | None = None
        self.position_ms = 0
        self.playing = False


class Household(RuleBasedStateMachine):
    """Members at three devices, and the service behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.players = [Player(name) for name in DEVICES]
        self.clock = START
        self.made = 0
        self.shelf: Shelf = {
            "film": [Release("film", START)],
            "news": [Release(f"news-{n}", START) for n in range(2)],
            "saga": [Release(f"saga-{n}", START) for n in range(3)],
        }
        self.view = view_of(self.shelf)
        self.state: ProfileState | None = None
        self.arrived: list[Event] = []
        self.promises = Promises()

    # Players

    @initialize(player=some)
    def open_app(self, player: int) -> None:
        self._tell(pick(self.players, player), HomeView)

    @rule(player=some, tile=some)
    def play_what_is_offered(self, player: int, tile: int) -> None:
        offers = sorted(offer for offer in self._offers().values() if offer)
        if offers:
            title, position_ms = pick(offers, tile)
            self._begin(pick(self.players, player), title_of(title), position_ms)

    @rule(player=some, show=st.sampled_from(SHOWS), title=some)
    def play_from_the_start(self, player: int, show: str, title: int) -> None:
        there = [release for release in self.shelf[show] if release.ts <= self.clock]
        self._begin(pick(self.players, player), title_of(pick(there, title).title), 0)

    @precondition(lambda self: any(p.playing for p in self.players))
    @rule(player=some)
    def pause(self, player: int) -> None:
        self._halt(pick([p for p in self.players if p.playing], player), Pause)

    @precondition(lambda self: any(p.title and not p.playing for p in self.players))
    @rule(player=some)
    def go_on(self, player: int) -> None:
        paused = pick([p for p in self.players if p.title and not p.playing], player)
        assert paused.title is not None
        self._begin(paused, paused.title, paused.position_ms)

    @precondition(lambda self: any(p.playing for p in self.players))
    @rule(player=some)
    def stop(self, player: int) -> None:
        self._halt(pick([p for p in self.players if p.playing], player), Stop)

    @rule(player=some)
    def look_around(self, player: int) -> None:
        self._tell(pick(self.players, player), SessionStart)

    # The member's word

    @precondition(lambda self: any(map(self.promises.knows, SHOWS)))
    @rule(player=some, show=some)
    def remove(self, player: int, show: int) -> None:
        self._tell(pick(self.players, player), Remove, show_id=self._known_show(show))

    @precondition(lambda self: any(map(self.promises.knows, SHOWS)))
    @rule(player=some, show=some)
    def undo_remove(self, player: int, show: int) -> None:
        self._tell(pick(self.players, player), UndoRemove, show_id=self._known_show(show))

    @precondition(lambda self: any(map(self.promises.knows, SHOWS)))
    @rule(player=some, show=some, further=st.integers(0, 2))
    def mark_watched(self, player: int, show: int, further: int) -> None:
        """Where the show stands, or a title behind that; what marks of older ones do is no rule."""
        known = self._known_show(show)
        there = [release.title for release in self.shelf[known]]
        at = there.index(self.promises.last(known).title)
        title = title_of(there[min(at + further, len(there) - 1)])
        self._tell(pick(self.players, player), MarkWatched, title=title)

    # The world

    @rule(minutes=st.sampled_from((1, 7, 20, 45)))
    def minutes_pass(self, minutes: int) -> None:
        self._pass(minutes * MINUTE)

    @rule(days=st.sampled_from((1, 9)))
    def days_pass(self, days: int) -> None:
        self._pass(days * DAY)

    @rule(show=st.sampled_from(("news", "saga")), ahead=st.sampled_from((0, 0, DAY)))
    def release(self, show: str, ahead: int) -> None:
        releases = self.shelf[show]
        ts = max(self.clock + ahead, releases[-1].ts)
        releases.append(Release(f"{show}-{len(releases)}", ts))
        self.view = view_of(self.shelf)

    @rule(player=some)
    def lose_network(self, player: int) -> None:
        pick(self.players, player).online = False

    @precondition(lambda self: not all(p.online for p in self.players))
    @rule(player=some)
    def find_network(self, player: int) -> None:
        back = pick([p for p in self.players if not p.online], player)
        back.online = True
        for event in back.waiting:
            self._arrive(event)
        back.waiting = []

    @precondition(lambda self: self.arrived)
    @rule(event=st.integers(0, 200))
    def repeat(self, event: int) -> None:
        before, offers = self.state, self._offers()
        self._take(pick(self.arrived, event))
        assert before is not None
        assert self.state == msgspec.structs.replace(before, source=self.state.source)
        assert self._offers() == offers

    # What must hold

    @invariant()
    def the_row_keeps_its_promises(self) -> None:
        if self.state is not None:
            self._check(self.state)

    def teardown(self) -> None:
        """Let the same events arrive in other orders that keep each device's own, some twice."""
        if self.state is None:
            return
        for order in other_orders(self.arrived):
            state = run([*order, *order[-3:]])
            self._check(state)
            assert state.revision == self.state.revision

    def _check(self, state: ProfileState) -> None:
        for device in state.devices:
            shown = row(state, "p", device.device_id, self.view)
            found = {t.show_id: (t.title_id, t.position_ms) for t in shown.tiles}
            assert len(found) == len(shown.tiles)
            assert found.keys() <= set(SHOWS)
            for show in SHOWS:
                right = self.promises.right(show, self.shelf)
                assert found.get(show) in right, f"{show}: {found.get(show)}, right are {right}"
            assert not any(tile.up_next for tile in shown.tiles)

    # How things happen

    def _offers(self) -> dict[str, Offer]:
        if self.state is None:
            return {}
        shown = row(self.state, "p", self.state.devices[0].device_id, self.view)
        return {tile.show_id: (tile.title_id, tile.position_ms) for tile in shown.tiles}

    def _known_show(self, number: int) -> str:
        return pick([show for show in SHOWS if self.promises.knows(show)], number)

    def _begin(self, player: Player, title: Movie | Episode, position_ms: int) -> None:
        if player.playing:
            self._halt(player, Stop)
        self._tell(player, Play, title=title, position_ms=position_ms)
        player.title, player.position_ms, player.playing = title, position_ms, True

    def _halt(self, player: Player, kind: type[Pause | Stop]) -> None:
        title = player.title
        player.playing = False
        if kind is Stop:
            player.title = None
        self._tell(player, kind, title=title, position_ms=player.position_ms)

    def _tell(self, player: Player, kind: type, **fields: Any) -> None:
        """Make an event, a second later; no two have the same time."""
        self._pass(SECOND)
        event = kind(
            event_id=f"e{self.made}",
            profile_id="p",
            device_id=player.name,
            device_type=player.name,
            ts=self.clock + DEVICES.index(player.name),
            **fields,
        )
        self.made += 1
        if player.online:
            self._arrive(event)
        else:
            player.waiting.append(event)

    def _pass(self, ms: int) -> None:
        """Let time pass; who plays moves on, and stops at the end of the title."""
        end = self.clock + ms
        while ending := [p for p in self.players if p.playing and self._end(p) <= end]:
            first = min(ending, key=lambda p: (self._end(p), p.name))
            self._move(self._end(first))
            self._halt(first, Stop)
        self._move(max(end, self.clock))

    def _end(self, player: Player) -> int:
        """When the title of a player ends, if nobody does anything."""
        return self.clock + LASTS - player.position_ms

    def _move(self, to: int) -> None:
        for player in self.players:
            if player.playing:
                player.position_ms = min(player.position_ms + to - self.clock, LASTS)
        self.clock = to

    def _arrive(self, event: Event) -> None:
        self.arrived.append(event)
        self.promises.arrive(event)
        self._take(event)

    def _take(self, event: Event) -> None:
        offset = 0 if self.state is None else self.state.source.offset + 1
        self.state = step(self.state, event, Source(bytes(16), 0, offset)).state


def view_of(shelf: Shelf) -> View:
    entries: list[CatalogEntry] = [MovieEntry(id="film", duration_ms=LASTS)]
    for show in ("news", "saga"):
        episodes = [
            EpisodeEntry(id=title, episode=n, duration_ms=LASTS, released_ts=ts)
            for n, (title, ts) in enumerate(shelf[show], 1)
        ]
        entries.append(SeriesEntry(id=show, seasons=[Season(season=1, episodes=episodes)]))
    works = {entry.id: pack_work(entry) for entry in entries}
    return View(policy=POLICY, works=works, catalog=sum(map(len, shelf.values())))


def title_of(name: str) -> Movie | Episode:
    show, _, number = name.partition("-")
    if not number:
        return Movie(id=name, duration_ms=LASTS)
    episode = int(number) + 1
    return Episode(id=name, series_id=show, season=1, episode=episode, duration_ms=LASTS)


def pick(choices: Sequence[Any], number: int) -> Any:
    return choices[number % len(choices)]


def run(events: Sequence[Event]) -> ProfileState:
    state = None
    for offset, event in enumerate(events):
        state = step(state, event, Source(bytes(16), 0, offset)).state
    assert state is not None
    return state


def other_orders(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Yield orders of arrival that keep each device's own: two by chance, and device by device.

    A member's word on a show comes behind the show's first report, as nobody else could have told
    the member of it.
    """
    chance = random.Random(len(events))
    yield in_order(events, chance.choice)
    yield in_order(events, chance.choice)
    yield in_order(events, lambda heads: min(heads, key=lambda event: event.device_id))
    yield in_order(events, lambda heads: max(heads, key=lambda event: event.device_id))


def in_order(events: Sequence[Event], choose: Callable[[list[Event]], Event]) -> list[Event]:
    waiting = {name: [e for e in events if e.device_id == name] for name in DEVICES}
    known: set[str] = set()
    ordered: list[Event] = []
    while len(ordered) < len(events):
        heads = [there[0] for there in waiting.values() if there and may_come(there[0], known)]
        ordered.append(choose(heads))
        waiting[ordered[-1].device_id].pop(0)
        if isinstance(ordered[-1], Play):
            known.add(ordered[-1].title.show_id)
    return ordered


def may_come(event: Event, known: set[str]) -> bool:
    if isinstance(event, MarkWatched):
        return event.title.show_id in known
    return not isinstance(event, Remove | UndoRemove) or event.show_id in known


TestPromises = Household.TestCase
TestPromises.settings = settings(max_examples=500, stateful_step_count=50, deadline=None)
