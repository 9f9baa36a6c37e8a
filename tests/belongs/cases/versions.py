"""Versions of one film."""

from script import OURS, Case
from vocabulary import (
    catalog,
    dubbed,
    film,
    marked,
    removed,
    resume,
    row,
    season,
    series,
    start,
    watched,
)

TWO = catalog(film("bunny-1080p", work="bunny"), film("bunny-2160p", work="bunny"), film("other"))

CASES = (
    Case(
        "jellyfin/jellyfin#12049",
        "two resolutions",
        """A film of which there are two versions stands twice in the row once either of them is
        begun. Expected: one tile.""",
        (
            catalog(film("bunny-1080p", work="bunny"), film("bunny-2160p", work="bunny")),
            watched("bunny-1080p", to="20:00", at="Mon 20:00"),
            row(resume("bunny-1080p", "20:00")),
            watched("bunny-2160p", since="20:00", to="35:00", at="Tue 20:00"),
            row(resume("bunny-2160p", "35:00")),
            watched("bunny-2160p", since="35:00", to="1:40:00", at="Wed 20:00"),
            row(),
        ),
    ),
    Case(
        "jellyfin/jellyfin#12131",
        "two cuts",
        """The row goes on with another cut than the one that was watched, where the same position
        is another scene. Expected: the cut that was watched last, at its own position.""",
        (
            catalog(
                film("dune-theatrical", of="2:17:00", work="dune"),
                film("dune-extended", of="2:56:00", work="dune"),
            ),
            watched("dune-theatrical", of="2:17:00", to="20:00", at="Mon 20:00"),
            watched("dune-extended", of="2:56:00", to="1:05:00", at="Tue 20:00"),
            row(resume("dune-extended", "1:05:00")),
            watched("dune-theatrical", of="2:17:00", since="20:00", to="26:00", at="Wed 20:00"),
            row(resume("dune-theatrical", "26:00")),
        ),
    ),
    Case(
        OURS,
        "a version that was only looked at",
        "Expected: the version that is going on stays.",
        (
            TWO,
            watched("bunny-1080p", to="20:00", at="Mon 20:00"),
            watched("bunny-2160p", to="0:20", at="Tue 20:00"),
            row(resume("bunny-1080p", "20:00")),
        ),
        under=("watch-next", "jellyfin", "plex", "kodi"),
    ),
    Case(
        OURS,
        "the member's word on one of the versions",
        "Expected: removed or marked as watched is the film, not the file.",
        (
            TWO,
            watched("other", to="20:00", at="Sun 20:00"),
            watched("bunny-1080p", to="20:00", at="week 2 Mon 20:00"),
            watched("bunny-2160p", to="35:00", at="week 2 Tue 20:00"),
            row(resume("bunny-2160p", "35:00"), resume("other", "20:00")),
            removed("bunny-2160p", at="week 2 Tue 21:00"),
            row(resume("other", "20:00")),
            watched("bunny-1080p", since="20:00", to="40:00", at="week 2 Wed 20:00"),
            row(resume("bunny-1080p", "40:00"), resume("other", "20:00")),
            marked("bunny-1080p", at="week 2 Wed 21:00"),
            row(resume("other", "20:00")),
        ),
    ),
    Case(
        OURS,
        "dubbed episodes",
        "Expected: one tile, in the language that was watched last.",
        (
            catalog(series(dubbed(season(1, 3), "de"))),
            watched("s1e1", to="20:00", at="Mon 20:00"),
            watched("s1e1-de", since="20:00", to="45:00", at="Tue 20:00"),
            row(start("s1e2-de")),
            watched("s1e2", to="45:00", at="Wed 20:00"),
            row(start("s1e3")),
        ),
    ),
)
