"""What is watched while recording is off."""

from script import OURS, Case
from vocabulary import (
    catalog,
    marked,
    opened,
    recording,
    removed,
    resume,
    row,
    season,
    series,
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
)
