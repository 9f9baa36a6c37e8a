"""Watching again what was watched."""

from script import OURS, Case
from vocabulary import catalog, opened, resume, row, season, series, start, watched

NOT_ALL_THAT_IS_BEGUN = ("watch-next", "jellyfin", "plex", "kodi")
"""`stremio` keeps whatever was begun, if only for seconds."""

CASES = (
    Case(
        "jellyfin/jellyfin#15761",
        "a scene of a watched film",
        """Who looks at a scene in the middle of a film that they have watched has it as unwatched
        again, to be continued from there. Expected: it stays watched.""",
        (
            watched("film", to="1:40:00", at="Mon 20:00"),
            row(),
            watched("film", since="50:00", to="51:30", at="Wed 20:00"),
            row(),
        ),
        under=("watch-next",),
    ),
    Case(
        "jellyfin/jellyfin#15761",
        "a watched film from the beginning",
        "Expected all the same: who really watches a film again can go on with it.",
        (
            watched("film", to="1:40:00", at="Mon 20:00"),
            watched("film", to="30:00", at="Wed 20:00"),
            row(resume("film", "30:00")),
        ),
    ),
    Case(
        "jellyfin/jellyfin#10984",
        "a watched episode that is started and stopped",
        """Starting an episode that is watched, and stopping again, makes it unwatched; marked by
        hand after that, it has changed what is next. Expected: so short a look changes nothing.""",
        (
            catalog(series(season(1, 5))),
            watched("s1e1", to="45:00", at="Mon 20:00"),
            watched("s1e2", to="45:00", at="Mon 20:50"),
            watched("s1e3", to="45:00", at="Mon 21:40"),
            row(start("s1e4")),
            watched("s1e1", to="0:10", at="Tue 20:00"),
            row(start("s1e4")),
        ),
        under=NOT_ALL_THAT_IS_BEGUN,
    ),
    Case(
        "jellyfin/jellyfin#10984",
        "a watched episode of a watched series",
        "Expected: a look at an episode does not bring back a series that is watched to its end.",
        (
            catalog(series(season(1, 3))),
            watched("s1e2", to="45:00", at="Mon 20:00"),
            watched("s1e3", to="45:00", at="Mon 20:50"),
            watched("s1e1", to="0:10", at="Tue 20:00"),
            row(),
        ),
        under=NOT_ALL_THAT_IS_BEGUN,
    ),
    Case(
        "jellyfin/jellyfin#10984",
        "a watched episode, by mistake",
        "Expected: a look at another episode does not lose the place in the one that is going on.",
        (
            catalog(series(season(1, 5))),
            watched("s1e1", to="45:00", at="Mon 20:00"),
            watched("s1e2", to="20:00", at="Mon 20:50"),
            watched("s1e1", to="0:10", at="Tue 20:00"),
            row(resume("s1e2", "20:00")),
        ),
        under=NOT_ALL_THAT_IS_BEGUN,
    ),
    Case(
        OURS,
        "a rewatch that goes on",
        "Expected: the tile is where the rewatch is, and behind its end the story goes on.",
        (
            catalog(series(season(1, 3))),
            watched("s1e2", to="45:00", at="Mon 20:00"),
            watched("s1e1", to="45:00", at="week 2 Mon 20:00"),
            row(start("s1e2")),
            watched("s1e2", to="30:00", at="week 2 Tue 20:00"),
            opened(at="week 2 Wed 20:00"),
            opened(at="week 2 Thu 20:00"),
            row(resume("s1e2", "30:00")),
            watched("s1e2", since="30:00", to="45:00", at="week 2 Fri 20:00"),
            row(start("s1e3")),
        ),
    ),
    Case(
        OURS,
        "a rewatch that is given up early",
        """The first episode is begun again, and left. Expected: after some sessions the place
        where the series was going on, or the episode that came meanwhile.""",
        (
            catalog(series(season(1, 4, released={4: "week 2 Sat 08:00"}))),
            watched("s1e2", to="45:00", at="Mon 20:00"),
            watched("s1e3", to="45:00", at="Mon 21:00"),
            watched("s1e1", to="12:00", at="week 2 Mon 20:00"),
            row(resume("s1e1", "12:00")),
            opened(at="week 2 Tue 20:00"),
            opened(at="week 2 Wed 20:00"),
            row(resume("s1e1", "12:00")),
            opened(at="week 2 Sun 20:00"),
            row(start("s1e4", because="new_episode")),
        ),
    ),
    Case(
        OURS,
        "a rewatch that is given up early, in the middle of an episode",
        "Expected: the episode that was going on before, where it was left.",
        (
            catalog(series(season(1, 3))),
            watched("s1e2", to="20:00", at="Mon 20:00"),
            watched("s1e1", to="12:00", at="week 2 Mon 20:00"),
            opened(at="week 2 Tue 20:00"),
            row(resume("s1e1", "12:00")),
            opened(at="week 2 Wed 20:00"),
            row(resume("s1e2", "20:00")),
        ),
    ),
    Case(
        OURS,
        "a look ahead",
        "Expected: a look at a later episode does not lose the place in the one that is going on.",
        (
            catalog(series(season(1, 5))),
            watched("s1e1", to="20:00", at="Mon 20:00"),
            watched("s1e4", to="0:40", at="Mon 21:00"),
            row(resume("s1e1", "20:00")),
            watched("s1e1", since="20:00", to="45:00", at="Tue 20:00"),
            watched("s1e2", to="0:40", at="Tue 20:30"),
            row(resume("s1e2", "0:40")),
        ),
        under=NOT_ALL_THAT_IS_BEGUN,
    ),
)
