"""Members as benchmarks need them: a history of so many titles, and what they do next."""

from collections.abc import Iterator
from itertools import count
from typing import Final

from stream_cw.core.events import Episode, Event, Play, SessionStart, Stop
from stream_cw.core.limits import SHOWS
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step
from stream_cw.history.replay import PLAIN_EPOCH

PROFILE: Final = "profile"
DEVICES: Final = ("tv", "phone", "tablet")
START: Final = 1_750_000_000_000
MINUTE: Final = 60_000


def sitting(number: int, show: int, episode: int) -> list[Event]:
    """Open the app on one of three devices and watch twenty minutes of an episode of 45.

    Parameters
    ----------
    number : int
        Of the sitting: says when, on which device, and makes the ids unique.
    show, episode : int
    """
    device = DEVICES[number % len(DEVICES)]
    common = {
        "profile_id": PROFILE,
        "device_id": f"{device}-0123456789",
        "device_type": device,
    }
    ts = START + number * 97 * MINUTE
    title = Episode(
        id=f"s{show:08d}e{episode}",
        series_id=f"series-{show:09d}",
        season=1,
        episode=episode,
        duration_ms=45 * MINUTE,
    )
    left = {"title": title, "position_ms": 20 * MINUTE}
    return [
        SessionStart(event_id=f"s{number}", ts=ts, **common),
        Play(event_id=f"p{number}", ts=ts, title=title, position_ms=0, **common),
        Stop(event_id=f"e{number}", ts=ts + 20 * MINUTE, **left, **common),
    ]


class Member:
    """A member who has watched some titles.

    Parameters
    ----------
    titles : int
        How many episodes were watched.
    shows : int, default SHOWS
        Of how many series, in turn.

    Attributes
    ----------
    state : ProfileState
    applied : int
        How many events led to it.
    """

    def __init__(self, titles: int, shows: int = SHOWS) -> None:
        self._titles, self._shows = titles, shows
        history = (
            event
            for number in range(titles)
            for event in sitting(number, self._show(number), 1 + number // shows)
        )
        state: ProfileState | None = None
        for offset, event in enumerate(history):
            state = step(state, event, Source(PLAIN_EPOCH, 0, offset)).state
        assert state is not None
        self.state, self.applied = state, 3 * titles

    def goes_on(self) -> Iterator[Event]:
        """Watch the next episodes of the series that were watched last, for ever."""
        lately = min(self._titles, self._shows, 30)
        for number in count(self._titles):
            show = self._show(self._titles - 1 - number % lately)
            yield from sitting(number, show, 1 + number // self._shows)

    def _show(self, number: int) -> int:
        return number * 7 % self._shows
