"""Devices that know less than others."""

from script import Case
from vocabulary import opened, paused, played, reported, resume, row, stopped, watched

CASES = (
    Case(
        "NuvioMedia/NuvioTV#2130",
        "a stale tile",
        """What was watched on the phone reaches the TV after half an hour; who presses the stale
        tile there goes on from the old position, which then overwrites the newer one everywhere.
        Expected: the TV has the newest position when its member looks.""",
        (
            watched("film", to="20:15", at="Mon 20:00", on="tv"),
            watched("film", since="20:15", to="28:40", at="Mon 20:30", on="phone"),
            row(resume("film", "28:40"), on="tv", pushed=True),
            opened(at="Tue 20:00", on="tv"),
            row(resume("film", "28:40"), on="tv", pushed=True),
        ),
    ),
    Case(
        "NuvioMedia/NuvioTV#2130",
        "what a device reports late",
        "Expected: what was watched earlier on a device without network does not go back in time.",
        (
            watched("film", to="20:15", at="Mon 20:00", on="tv"),
            watched("film", since="20:15", to="40:00", at="Wed 08:00", on="phone"),
            watched("film", since="20:15", to="31:00", at="Tue 10:00", on="tablet"),
            row(resume("film", "40:00"), on="tablet"),
            opened(at="Wed 20:00", on="tablet"),
            row(resume("film", "40:00"), on="tablet", pushed=True),
        ),
    ),
    Case(
        "NuvioMedia/NuvioTV#1194",
        "a TV that rests on pause while another goes on",
        """Paused at 20:15 on one TV, watched on to 28:40 on another; the first one goes back to
        20:15. Expected: it knows that there is a newer position, and a player that only rests does
        not claim one.""",
        (
            played("film", at="Mon 20:00", on="tv"),
            paused("film", to="20:15", at="Mon 20:20:15", on="tv"),
            played("film", since="20:15", at="Mon 20:25", on="tv-bedroom"),
            paused("film", to="28:40", at="Mon 20:33:25", on="tv-bedroom"),
            row(resume("film", "28:40"), on="tv", pushed=True),
            reported("film", to="20:15", at="Mon 20:35", on="tv"),
            row(resume("film", "28:40"), on="tv"),
            stopped("film", to="20:15", at="Mon 20:40", on="tv"),
            row(resume("film", "28:40"), on="tv"),
        ),
    ),
    Case(
        "NuvioMedia/NuvioTV#1194",
        "two TVs at once",
        "Expected: of two that play at the same time, where the one stands that moved last.",
        (
            played("film", at="Mon 20:00", on="tv"),
            played("film", since="10:00", at="Mon 20:01", on="tv-bedroom"),
            reported("film", to="15:00", at="Mon 20:06", on="tv-bedroom"),
            reported("film", to="7:00", at="Mon 20:07", on="tv"),
            row(resume("film", "7:00"), on="tv-bedroom"),
            stopped("film", to="17:00", at="Mon 20:08", on="tv-bedroom"),
            row(resume("film", "17:00"), on="tv", pushed=True),
        ),
    ),
)
