"""A household of three devices, at random, against the promises that the row makes it.

Events are late (a device without network tells later, in its own order), are repeated, and what is
released changes in between. Recording may be switched off: what is played then is private. After
each step the row must be what `promises.py` says of all that has arrived, and must be so as well
had the newest events, or all, arrived in another order.
"""

import random
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import msgspec
from arrival import chosen_order
from household import Home, Player, pick, title_of
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from promises import DAY, MINUTE, Offer, Promises, Release
from script import take
from shelves import SHOWS, first_shelf, offers_of, view_of

from stream_cw.core.events import (
    Event,
    HomeView,
    MarkWatched,
    Pause,
    Remove,
    SessionStart,
    SetRecording,
    Stop,
    UndoRemove,
)
from stream_cw.core.row import row
from stream_cw.core.state import ProfileState

RECENT, DEALT_EACH = 8, 2
"""So many events are dealt anew after every second one: that is where devices cross."""

HAPPENINGS = (
    *("press",) * 4,
    *("take_a_tile",) * 3,
    *("mark_watched",) * 2,
    *("begin", "remove", "undo_remove", "wait", "release", "lose_or_find_network", "repeat"),
    "switch_recording",
)
"""What happens, as often as it stands here."""


class Turn(NamedTuple):
    """Who does it and with what; `number` picks one of what there is to choose from."""

    player: Player
    show: str
    number: int


class Household(RuleBasedStateMachine):
    """Members at three devices, and the service behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Home(self._arrive)
        self.shelf = first_shelf()
        self.view = view_of(self.shelf)
        self.promises = Promises()
        self.state: ProfileState | None = None
        self.arrived: list[Event] = []
        self.before: list[ProfileState | None] = []
        self.private: list[bool] = []
        self.may_be_private = False
        self.recording = True
        self.checked = 0

    @initialize(minutes=st.sampled_from((1, 7)), private=st.booleans())
    def come_home(self, minutes: int, private: bool) -> None:
        """Begin something at each device, and let it play."""
        self.may_be_private = private
        for number, show in enumerate(("saga", "saga", "film")):
            player = self.home.players[number]
            self.home.tell(player, HomeView)
            self.begin(Turn(player, show, number))
            self.home.wait(minutes * MINUTE)

    @rule(dice=st.integers(0, len(HAPPENINGS) * 3 * 3 * 60 - 1))
    def happen(self, dice: int) -> None:
        """Do one thing; all that is chosen stands in one number, as numbers cost time."""
        dice, what = divmod(dice, len(HAPPENINGS))
        dice, player = divmod(dice, 3)
        number, show = divmod(dice, 3)
        turn = Turn(self.home.players[player], ("film", "saga", "saga")[show], number)
        getattr(self, HAPPENINGS[what])(turn)

    # What members do

    def begin(self, turn: Turn) -> None:
        """Play a title of a show from its start, watched or not."""
        there = [release for release in self.shelf[turn.show] if release.ts <= self.home.now]
        self.home.begin(turn.player, title_of(pick(there, turn.number).title), 0)

    def take_a_tile(self, turn: Turn) -> None:
        """Go on with what a tile offers, and watch for some time."""
        if offer := self._offers().get(turn.show):
            self.home.begin(turn.player, title_of(offer[0]), offer[1])
            self.home.wait(pick((0, 0, 1, 7, 45), turn.number) * MINUTE)

    def press(self, turn: Turn) -> None:
        """Halt what plays, or go on with what is paused; a device at rest is opened."""
        if turn.player.playing:
            self.home.halt(turn.player, pick((Pause, Pause, Stop), turn.number))
        elif turn.player.title is not None and turn.number % 4 == 0:
            self.home.halt(turn.player, Stop)
        elif turn.player.title is not None:
            self.home.begin(turn.player, turn.player.title, turn.player.position_ms)
        else:
            self.home.tell(turn.player, SessionStart)

    def remove(self, turn: Turn) -> None:
        self.home.tell(turn.player, Remove, show_id=turn.show)

    def undo_remove(self, turn: Turn) -> None:
        self.home.tell(turn.player, UndoRemove, show_id=turn.show)

    def mark_watched(self, turn: Turn) -> None:
        """Where the show stands, or a title behind that; what marks of older ones do is no rule."""
        story = self.promises.story(turn.show)
        if not story.played:
            return
        last = story.marked or list(story.played)[-1]
        there = [release.title for release in self.shelf[turn.show]]
        behind = there[there.index(last) :][: pick((1, 1, 1, 2, 3), turn.number)]
        self.home.tell(turn.player, MarkWatched, title=title_of(behind[-1]))

    # What happens around them

    def wait(self, turn: Turn) -> None:
        self.home.wait(pick((MINUTE, MINUTE, 20 * MINUTE, DAY, 9 * DAY), turn.number))

    def release(self, turn: Turn) -> None:
        """Add an episode that is there at once, or a day later."""
        releases = self.shelf["saga"]
        ts = max(self.home.now + pick((0, DAY), turn.number), releases[-1].ts)
        releases.append(Release(f"saga-{len(releases)}", ts))
        self.view = view_of(self.shelf)

    def lose_or_find_network(self, turn: Turn) -> None:
        if turn.player.online:
            turn.player.online = False
        else:
            self.home.find_network(turn.player)

    def switch_recording(self, turn: Turn) -> None:
        """Off or on; told at once, as a device without network cannot switch it."""
        if self.may_be_private and turn.player.online:
            self.recording = not self.recording
            self.home.tell(turn.player, SetRecording, recording=self.recording)

    def repeat(self, turn: Turn) -> None:
        before, offers = self.state, self._offers()
        self.state = take(before, pick(self.arrived, -turn.number)).state
        assert self.state == msgspec.structs.replace(before, source=self.state.source)
        assert self._offers() == offers

    # What must hold

    @invariant()
    def the_row_keeps_its_promises(self) -> None:
        if self.arrived and len(self.arrived) != self.checked:
            self._check(self.state)

    @invariant()
    def the_newest_events_may_arrive_otherwise(self) -> None:
        due = len(self.arrived) // DEALT_EACH > self.checked // DEALT_EACH
        self.checked = len(self.arrived)
        if due and not any(self.private[-RECENT:]):
            newest, before = self.arrived[-RECENT:], self.before[-RECENT:][0]
            chance = random.Random(len(self.arrived))
            order = chosen_order(newest, chance.choice, before.shows if before else ())
            self._check(run(order, before))

    def teardown(self) -> None:
        """Let all that waits arrive, then device by device, and some of it twice."""
        for player in self.home.players:
            self.home.find_network(player)
        for first in (min, max) if self.arrived and not any(self.private) else ():
            order = chosen_order(self.arrived, partial(first, key=lambda event: event.device_id))
            state = run([*order, *order[-3:]])
            self._check(state)
            assert state.revision == self.state.revision

    def _check(self, state: ProfileState) -> None:
        device = state.devices[len(self.arrived) % len(state.devices)]
        offers = offers_of(row(state, "p", device.device_id, self.view))
        assert offers.keys() <= set(SHOWS)
        for show in SHOWS:
            found, right = offers.get(show), self.promises.right(show, self.shelf)
            assert found in right, f"{show}: {found}, right is {right}"

    def _offers(self) -> dict[str, Offer]:
        return offers_of(row(self.state, "p", self.state.devices[0].device_id, self.view))

    def _arrive(self, event: Event) -> None:
        self.arrived.append(event)
        self.before.append(self.state)
        counts = self.promises.arrive(event)
        self.private.append(not counts or isinstance(event, SetRecording))
        self.state = take(self.state, event).state


def run(events: Sequence[Event], state: ProfileState | None = None) -> ProfileState:
    for event in events:
        state = take(state, event).state
    assert state is not None
    return state


TestPromises = Household.TestCase
TestPromises.settings = settings(
    max_examples=500, stateful_step_count=50, deadline=None, derandomize=True
)
