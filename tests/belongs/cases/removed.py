"""Tiles that nobody can take away."""

from script import Case
from vocabulary import (
    catalog,
    marked,
    opened,
    removed,
    resume,
    row,
    season,
    series,
    start,
    undone,
    watched,
)

CASES = (
    Case(
        "jellyfin/jellyfin-desktop#864",
        "a film marked as watched",
        """There is no way to remove a film, so the member marks it as watched; it stays until the
        page is loaded anew. Expected: it is gone at once.""",
        (
            watched("film", to="30:00", at="Mon 20:00", on="computer"),
            row(resume("film", "30:00"), on="computer", pushed=True),
            marked("film", at="Mon 20:40", on="computer"),
            row(on="computer", pushed=True),
        ),
    ),
    Case(
        "jellyfin/jellyfin-desktop#864",
        "a film that its member does not want",
        "Expected, first of all: to remove it, without having to say that it is watched.",
        (
            watched("other", to="50:00", at="Sun 20:00", on="computer"),
            watched("film", to="30:00", at="week 2 Mon 20:00", on="computer"),
            removed("film", at="week 2 Mon 20:40", on="computer"),
            row(resume("other", "50:00"), on="computer", pushed=True),
            undone("film", at="week 2 Mon 20:41", on="computer"),
            row(resume("film", "30:00"), resume("other", "50:00"), on="computer", pushed=True),
        ),
    ),
    Case(
        "edde746/plezy#995",
        "a series, by the tile of its next episode",
        """To remove a series, it must be marked as watched or unwatched as a whole, and what was
        watched is lost. Expected: it leaves, and which episodes are watched stays known.""",
        (
            catalog(series(season(1, 5))),
            watched("s1e1", to="45:00", at="Mon 20:00"),
            watched("s1e2", to="45:00", at="Mon 20:50"),
            row(start("s1e3")),
            removed("show", at="Mon 21:40"),
            row(pushed=True),
            catalog(series(season(1, 5), season(2, 1, released="week 2 Mon 08:00"))),
            opened(at="week 2 Mon 20:00"),
            row(),
            undone("show", at="week 2 Mon 20:01"),
            row(start("s1e3")),
        ),
    ),
    Case(
        "edde746/plezy#995",
        "a removed series that is played again",
        "Expected: playing it again brings it back; what a device reports late does not.",
        (
            catalog(series(season(1, 5))),
            watched("s1e1", to="45:00", at="Mon 20:00"),
            removed("show", at="Tue 20:00"),
            watched("s1e2", to="12:00", at="Mon 22:00", on="phone"),
            row(on="phone"),
            watched("s1e2", since="12:00", to="30:00", at="Wed 20:00"),
            row(resume("s1e2", "30:00")),
        ),
    ),
)
