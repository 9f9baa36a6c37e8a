"""Versions of one film."""

from script import Case
from vocabulary import catalog, film, resume, row, watched

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
)
