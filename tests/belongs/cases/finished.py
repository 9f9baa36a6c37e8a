"""Finished titles that stay in the row."""

from script import Case
from vocabulary import (
    after,
    catalog,
    marked,
    opened,
    resume,
    row,
    season,
    series,
    start,
    watched,
)

THREE = catalog(series(season(1, 3)))
ONE_MORE = catalog(series(season(1, 4, released={4: "week 2 Mon 08:00"})))

CASES = (
    Case(
        "jellyfin/jellyfin#12054",
        "watched episodes of an earlier season",
        """Episodes of a season before the one that the member is in do not leave, though they are
        marked as watched, and the episode that the member is at is not there. Expected: nothing of
        what is watched, and the one tile where the member is.""",
        (
            catalog(series(season(1, 3), season(2, 3))),
            watched("s1e1", to="20:00", at="Mon 20:00"),
            watched("s1e2", to="44:30", at="Mon 21:00"),
            marked("s1e1", "s1e2", "s1e3", at="Tue 19:00", on="phone"),
            row(start("s2e1")),
            watched("s2e1", to="18:00", at="Wed 20:00"),
            row(resume("s2e1", "18:00")),
        ),
    ),
    Case(
        "jellyfin/jellyfin#12054",
        "tidying up behind oneself",
        """The same member marks the old ones again, to be rid of them. Expected: that does not take
        the place in the newer season away.""",
        (
            catalog(series(season(1, 3), season(2, 3))),
            watched("s1e3", to="44:30", at="Mon 20:00"),
            watched("s2e1", to="18:00", at="Tue 20:00"),
            marked("s1e1", "s1e2", at="Wed 19:00", on="phone"),
            row(resume("s2e1", "18:00"), on="phone"),
        ),
    ),
    Case(
        "Stremio/stremio-bugs#2807",
        "all that is released is watched",
        """Every released episode is watched, the last one by mark and with an old position in it,
        and the series is stuck in the row. Expected: it leaves; a new episode brings it back.""",
        (
            THREE,
            watched("s1e1", to="45:00", at="Mon 20:00"),
            watched("s1e2", to="45:00", at="Mon 20:50"),
            watched("s1e3", to="20:00", at="Tue 20:00"),
            row(resume("s1e3", "20:00")),
            marked("s1e3", at="Wed 20:00"),
            row(),
            ONE_MORE,
            opened(at="Sun 20:00"),
            row(),
            opened(at="week 2 Mon 20:00"),
            row(start("s1e4", because="new_episode")),
        ),
    ),
    Case(
        "Stremio/stremio-bugs#2807",
        "all that is released is watched, and is watched again",
        "Expected: a series that has left is back as soon as its member starts it again.",
        (
            THREE,
            watched("s1e3", to="44:30", at="Mon 20:00"),
            row(),
            watched("s1e1", to="10:00", at="Tue 20:00"),
            row(resume("s1e1", "10:00")),
        ),
    ),
    Case(
        "Stremio/stremio-bugs#1668",
        "all episodes marked as watched",
        """A series whose episodes are all marked as watched keeps its tile; with twenty series that
        is clutter. Expected: no tile until the next episode is out, and then one.""",
        (
            ONE_MORE,
            watched("s1e1", to="20:00", at="Mon 20:00"),
            marked("s1e1", "s1e2", "s1e3", at="Tue 20:00"),
            row(),
            opened(at="week 2 Mon 07:59"),
            row(),
            opened(at="week 2 Mon 08:00"),
            row(start("s1e4", because="new_episode")),
        ),
    ),
    Case(
        "Stremio/stremio-bugs#1668",
        "one episode marked as watched, without a catalog",
        "Expected: where nobody knows what is released, the tile stays and means what follows.",
        (
            watched("s1e1", to="20:00", at="Mon 20:00"),
            marked("s1e1", at="Tue 20:00"),
            row(after("s1e1")),
        ),
    ),
)
