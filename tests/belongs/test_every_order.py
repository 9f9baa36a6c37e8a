"""Small scenes on two and three devices, in every order in which their events can arrive."""

from itertools import chain
from typing import NamedTuple

import pytest
from arrival import every_order
from script import numbered, take, tiles_in_words
from vocabulary import (
    catalog,
    marked,
    paused,
    played,
    removed,
    resume,
    season,
    series,
    start,
    stopped,
    undone,
    watched,
)

from stream_cw.core.events import Event
from stream_cw.core.policies import WATCH_NEXT

VIEW = catalog(series(season(1, 3))).view(WATCH_NEXT)


class Scene(NamedTuple):
    """What happens, in the order of its time, and the tiles whatever arrives first."""

    name: str
    events: tuple[list[Event], ...]
    tiles: tuple[str, ...]


SCENES = (
    Scene(
        "one film on two devices",
        (
            played("film", at="Mon 20:00", on="tv"),
            played("film", since="10:00", at="Mon 20:01", on="phone"),
            paused("film", to="5:00", at="Mon 20:05", on="tv"),
            stopped("film", to="16:00", at="Mon 20:07", on="phone"),
        ),
        (resume("film", "16:00"),),
    ),
    Scene(
        "finished on one, and paused before that on another",
        (
            watched("s1e1", to="20:00", at="Mon 20:00", on="tablet"),
            watched("s1e1", since="20:00", to="45:00", at="Tue 20:00", on="tv"),
        ),
        (start("s1e2"),),
    ),
    Scene(
        "two episodes of a series",
        (
            played("s1e2", at="Mon 20:00", on="tv"),
            played("s1e1", at="Mon 20:01", on="phone"),
            stopped("s1e1", to="9:00", at="Mon 20:10", on="phone"),
            paused("s1e2", to="15:00", at="Mon 20:15", on="tv"),
        ),
        (resume("s1e2", "15:00"),),
    ),
    Scene(
        "removed, and played before that",
        (
            watched("s1e1", to="10:00", at="Mon 20:00", on="tv"),
            played("s1e1", since="10:00", at="Mon 21:00", on="tablet"),
            removed("show", at="Mon 21:05", on="tv"),
            stopped("s1e1", to="20:00", at="Mon 21:10", on="tablet"),
        ),
        (),
    ),
    Scene(
        "removed, and played after that",
        (
            watched("s1e1", to="10:00", at="Mon 20:00", on="tv"),
            removed("show", at="Mon 21:00", on="tv"),
            watched("s1e1", since="10:00", to="20:00", at="Mon 21:05", on="tablet"),
        ),
        (resume("s1e1", "20:00"),),
    ),
    Scene(
        "paused, removed elsewhere, and gone on with",
        (
            played("s1e1", at="Mon 20:00", on="tv"),
            paused("s1e1", to="10:00", at="Mon 20:10", on="tv"),
            removed("show", at="Mon 20:11", on="phone"),
            played("s1e1", since="10:00", at="Mon 20:12", on="tv"),
        ),
        (resume("s1e1", "10:00"),),
    ),
    Scene(
        "removed, undone and removed again",
        (
            watched("s1e1", to="10:00", at="Mon 20:00", on="tv"),
            removed("show", at="Mon 21:00", on="phone"),
            undone("show", at="Mon 21:01", on="tablet"),
            removed("show", at="Mon 21:02", on="phone"),
        ),
        (),
    ),
    Scene(
        "removed and undone",
        (
            watched("s1e1", to="10:00", at="Mon 20:00", on="tv"),
            removed("show", at="Mon 21:00", on="phone"),
            undone("show", at="Mon 21:01", on="tablet"),
        ),
        (resume("s1e1", "10:00"),),
    ),
    Scene(
        "marked as watched while it plays",
        (
            played("s1e1", at="Mon 20:00", on="tv"),
            marked("s1e1", at="Mon 20:05", on="phone"),
            stopped("s1e1", to="10:00", at="Mon 20:10", on="tv"),
        ),
        (start("s1e2"),),
    ),
    Scene(
        "marked as watched, and played again",
        (
            watched("s1e1", to="10:00", at="Mon 20:00", on="tv"),
            marked("s1e1", at="Mon 21:00", on="phone"),
            watched("s1e1", since="10:00", to="20:00", at="Mon 21:05", on="tablet"),
        ),
        (resume("s1e1", "20:00"),),
    ),
    Scene(
        "marked as watched while another episode plays, and gone on with",
        (
            played("s1e1", at="Mon 20:00", on="tv"),
            played("s1e2", at="Mon 20:01", on="phone"),
            marked("s1e2", at="Mon 20:02", on="tablet"),
            stopped("s1e1", to="10:00", at="Mon 20:10", on="tv"),
            stopped("s1e2", to="14:00", at="Mon 20:15", on="phone"),
        ),
        (resume("s1e2", "14:00"),),
    ),
    Scene(
        "marked as watched, one behind the other",
        (
            watched("s1e1", to="10:00", at="Mon 20:00", on="tv"),
            marked("s1e1", at="Mon 21:00", on="phone"),
            marked("s1e2", at="Mon 21:01", on="tablet"),
        ),
        (start("s1e3"),),
    ),
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_the_tiles_are_the_same(scene: Scene) -> None:
    orders = list(every_order(numbered(chain(*scene.events))))
    assert len(orders) > 1
    for order in orders:
        state = None
        for event in order:
            state = take(state, event).state
        assert state is not None
        times = [event.ts - order[0].ts for event in order]
        assert tiles_in_words(state, "tv", VIEW) == scene.tiles, f"arrived as {times}"
