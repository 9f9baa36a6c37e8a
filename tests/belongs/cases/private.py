"""What is watched while recording is off."""

from script import OURS, Case
from vocabulary import (
    catalog,
    marked,
    opened,
    paused,
    played,
    recording,
    removed,
    resume,
    row,
    season,
    series,
    stopped,
    watched,
)

CASES = (
    Case(
        OURS,
        "a private session",
        """Somebody switches recording off, watches on, and switches it on again. Expected: the row
        is as it was before, on every device, and nothing of the session is there.""",
        (
            catalog(series(season(1, 5))),
            watched("s1e1", to="20:00", at="Mon 20:00"),
            recording(switched="off", at="Tue 20:00"),
            watched("s1e1", since="20:00", to="45:00", at="Tue 20:01"),
            watched("film", to="1:10:00", at="Tue 20:30"),
            marked("s1e4", at="Tue 21:45", on="phone"),
            removed("show", at="Tue 21:46", on="phone"),
            row(resume("s1e1", "20:00"), on="tv", recorded=False),
            row(resume("s1e1", "20:00"), on="phone", pushed=True, recorded=False),
            recording(switched="on", at="Tue 22:00"),
            opened(at="Wed 20:00"),
            row(resume("s1e1", "20:00")),
            watched("film", to="30:00", at="Wed 20:30"),
            row(resume("film", "30:00"), resume("s1e1", "20:00")),
        ),
    ),
    Case(
        OURS,
        "a private session that a device tells late",
        "Expected: what was watched before counts, what was watched meanwhile does not.",
        (
            recording(switched="off", at="Mon 21:00"),
            recording(switched="on", at="Mon 23:00"),
            watched("film", to="30:00", at="Mon 20:00", on="tablet"),
            watched("film", since="30:00", to="50:00", at="Mon 21:30", on="tablet"),
            row(resume("film", "30:00"), on="tablet", recorded=False),
        ),
    ),
    Case(
        OURS,
        "a player that rests through a private session",
        "Expected: its stop claims no position, as without the session; the phone was further.",
        (
            played("film", at="Mon 20:00"),
            paused("film", to="20:15", at="Mon 20:20:15"),
            recording(switched="off", at="Mon 21:00", on="phone"),
            recording(switched="on", at="Mon 22:00", on="phone"),
            watched("film", since="20:15", to="40:00", at="Mon 22:10", on="phone"),
            stopped("film", to="20:15", at="Mon 23:00"),
            row(resume("film", "40:00")),
        ),
    ),
    Case(
        OURS,
        "a player that was started in a private session rests behind it",
        "Expected: where it is paused counts, and its stop takes nothing back from the phone.",
        (
            opened(at="Mon 19:00"),
            recording(switched="off", at="Mon 20:00", on="phone"),
            played("film", at="Mon 20:01"),
            recording(switched="on", at="Mon 20:10", on="phone"),
            paused("film", to="20:15", at="Mon 20:21:15"),
            row(resume("film", "20:15")),
            watched("film", since="20:15", to="40:00", at="Mon 20:30", on="phone"),
            stopped("film", to="20:15", at="Mon 21:00"),
            row(resume("film", "40:00")),
        ),
    ),
    Case(
        OURS,
        "a private session is not slept through",
        """What was pressed in it is not known: it looks as if nobody had touched the TV for a day.
        Expected: the tile goes on where the TV stopped.""",
        (
            catalog(series(season(1, 5))),
            watched("s1e1", to="20:00", at="Mon 20:00"),
            recording(switched="off", at="Tue 20:00", on="phone"),
            played("s1e1", since="20:00", at="Tue 20:01"),
            recording(switched="on", at="Tue 20:15", on="phone"),
            stopped("s1e1", to="40:00", at="Tue 20:21"),
            row(resume("s1e1", "40:00")),
        ),
    ),
)
