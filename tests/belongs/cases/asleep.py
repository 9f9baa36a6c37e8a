"""What was played while nobody watched."""

from script import OURS, Case
from vocabulary import (
    autoplayed,
    catalog,
    display_off,
    marked,
    opened,
    paused,
    played,
    reported,
    resume,
    row,
    season,
    series,
    start,
    stopped,
    watched,
)

TEN = catalog(series(season(1, 10)))
SHORT = "20:00"

CASES = (
    Case(
        OURS,
        "slept through, and marked as watched",
        "Expected: who says that it was watched knows; no tile goes back to where they were.",
        (
            TEN,
            watched("s1e1", to="45:00", at="Mon 22:30"),
            autoplayed("s1e2", to="45:00", at="Mon 23:15"),
            autoplayed("s1e3", to="45:00", at="Tue 00:00"),
            autoplayed("s1e4", to="45:00", at="Tue 00:45"),
            autoplayed("s1e5", to="45:00", at="Tue 01:30"),
            opened(at="Tue 08:00", on="phone"),
            row(start("s1e2", because="asleep"), on="phone"),
            marked("s1e5", at="Tue 08:02", on="phone"),
            row(start("s1e6"), on="phone"),
            played("film", at="Tue 20:00"),
            display_off(at="Tue 20:20"),
            stopped("film", to="1:00:00", at="Tue 21:00"),
            marked("film", at="Wed 08:00", on="phone"),
            row(start("s1e6"), on="phone"),
        ),
        under=("watch-next",),
    ),
    Case(
        "jellyrock/jellyrock#982",
        "asleep through the night",
        """The player goes on with episode after episode for somebody who sleeps; all of them count
        as played, and the row points to where nobody was. Expected: the place where they were.""",
        (
            TEN,
            watched("s1e1", to="45:00", at="Mon 22:30"),
            autoplayed("s1e2", to="45:00", at="Mon 23:15"),
            autoplayed("s1e3", to="45:00", at="Tue 00:00"),
            autoplayed("s1e4", to="45:00", at="Tue 00:45"),
            autoplayed("s1e5", to="45:00", at="Tue 01:30"),
            autoplayed("s1e6", to="30:00", at="Tue 02:15"),
            opened(at="Tue 08:00", on="phone"),
            row(start("s1e2", because="asleep"), on="phone"),
            watched("s1e2", to="25:00", at="Tue 20:00"),
            row(resume("s1e2", "25:00")),
        ),
        under=("watch-next",),
    ),
    Case(
        "jellyfin/jellyfin-web#6737",
        "the remote is touched",
        """After three episodes in a row, or 90 minutes, that nobody asked for, the player should
        ask. Expected: who gives a sign is there, and is where the player is.""",
        (
            TEN,
            watched("s1e1", to=SHORT, of=SHORT, at="Mon 20:00"),
            autoplayed("s1e2", to=SHORT, of=SHORT, at="Mon 20:20"),
            autoplayed("s1e3", to=SHORT, of=SHORT, at="Mon 20:40"),
            played("s1e4", of=SHORT, at="Mon 21:00", autoplay=True),
            paused("s1e4", to="12:00", of=SHORT, at="Mon 21:12"),
            row(resume("s1e4", "12:00")),
        ),
        under=("watch-next",),
    ),
    Case(
        "jellyfin/jellyfin-web#6737",
        "the display goes off, and the box plays on",
        "Expected: nobody is there any more, and nothing behind that moment is watched.",
        (
            TEN,
            watched("s1e4", to=SHORT, of=SHORT, at="Mon 21:08"),
            played("s1e5", of=SHORT, at="Mon 21:28", autoplay=True),
            reported("s1e5", to="6:00", of=SHORT, at="Mon 21:34"),
            display_off(at="Mon 21:35"),
            stopped("s1e5", to=SHORT, of=SHORT, at="Mon 21:48"),
            autoplayed("s1e6", to=SHORT, of=SHORT, at="Mon 21:48"),
            autoplayed("s1e7", to=SHORT, of=SHORT, at="Mon 22:08"),
            autoplayed("s1e8", to=SHORT, of=SHORT, at="Mon 22:28"),
            opened(at="Tue 20:00", on="phone"),
            row(resume("s1e5", "6:00", because="asleep"), on="phone"),
        ),
        under=("watch-next",),
    ),
)
