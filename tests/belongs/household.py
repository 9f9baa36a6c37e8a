"""A household at its devices: who plays what, what time it is, and what has not been told yet."""

from collections.abc import Callable, Sequence
from typing import Any

from promises import LASTS, SECOND

from stream_cw.core.events import Episode, Event, Movie, Pause, Play, Stop

DEVICES = ("tv", "phone", "tablet")
START = 1_704_067_200_000


class Player:
    """A device: what it plays, and what it has not told yet."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.online = True
        self.waiting: list[Event] = []
        self.title: Movie | Episode | None = None
        self.position_ms = 0
        self.playing = False


class Home:
    """Three devices that share a clock; `arrive` takes each event as it reaches the service."""

    def __init__(self, arrive: Callable[[Event], None]) -> None:
        self.players = [Player(name) for name in DEVICES]
        self.now = START
        self._made = 0
        self._arrive = arrive

    def begin(self, player: Player, title: Movie | Episode, position_ms: int) -> None:
        """Play a title; what the device played before is stopped."""
        if player.playing:
            self.halt(player, Stop)
        self.tell(player, Play, title=title, position_ms=position_ms)
        player.title, player.position_ms, player.playing = title, position_ms, True

    def halt(self, player: Player, kind: type[Pause | Stop]) -> None:
        title = player.title
        player.playing = False
        if kind is Stop:
            player.title = None
        self.tell(player, kind, title=title, position_ms=player.position_ms)

    def tell(self, player: Player, kind: type, **fields: Any) -> None:
        """Make an event, a second later; no two have the same time."""
        self.wait(SECOND)
        event = kind(
            event_id=f"e{self._made}",
            profile_id="p",
            device_id=player.name,
            device_type=player.name,
            ts=self.now + DEVICES.index(player.name),
            **fields,
        )
        self._made += 1
        if player.online:
            self._arrive(event)
        else:
            player.waiting.append(event)

    def find_network(self, player: Player) -> None:
        """Tell all that waited, in its own order."""
        player.online = True
        for event in player.waiting:
            self._arrive(event)
        player.waiting = []

    def wait(self, ms: int) -> None:
        """Let time pass; who plays moves on, and stops at the end of the title."""
        until = self.now + ms
        while ending := [p for p in self.players if p.playing and self._end(p) <= until]:
            first = min(ending, key=lambda p: (self._end(p), p.name))
            self._move(self._end(first))
            self.halt(first, Stop)
        self._move(max(until, self.now))

    def _end(self, player: Player) -> int:
        """When the title of a player ends, if nobody does anything."""
        return self.now + LASTS - player.position_ms

    def _move(self, to: int) -> None:
        for player in self.players:
            if player.playing:
                player.position_ms = min(player.position_ms + to - self.now, LASTS)
        self.now = to


def title_of(name: str) -> Movie | Episode:
    """Make a title of its name: `film`, or the third episode `saga-2`."""
    show, _, number = name.partition("-")
    if not number:
        return Movie(id=name, duration_ms=LASTS)
    episode = int(number) + 1
    return Episode(id=name, series_id=show, season=1, episode=episode, duration_ms=LASTS)


def pick(choices: Sequence[Any], number: int) -> Any:
    return choices[number % len(choices)]
