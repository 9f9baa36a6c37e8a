"""The wrong next episode."""

from script import OURS, Case
from vocabulary import (
    after,
    catalog,
    doubled,
    offered_in,
    only,
    opened,
    resume,
    row,
    season,
    series,
    specials,
    start,
    watched,
)

CASES = (
    Case(
        "jellyfin/jellyfin#11483",
        "an episode from the middle",
        """The member watched season 2 up to the middle and something later, and is offered what
        follows the later one. Expected there: the first episode that is not watched. Ours is after
        the last played, as most complaints want it (jellyfin/jellyfin#17652 is one): who goes on
        where they were once has the row with them.""",
        (
            catalog(series(season(2, 20), season(3, 3), season(4, 3))),
            watched("s2e16", to="45:00", at="Mon 20:00"),
            watched("s3e3", to="45:00", at="Tue 20:00"),
            row(start("s4e1")),
            watched("s2e17", to="45:00", at="Wed 20:00"),
            row(start("s2e18")),
        ),
    ),
    Case(
        "jellyfin/jellyfin#17652",
        "seasons out of order",
        """Newer seasons are watched, and the member is now in an older one; the row has what is
        newest, or nothing. Expected: the episode after the last watched one.""",
        (
            catalog(series(season(1, 3), season(2, 3), season(3, 3), season(4, 3))),
            watched("s4e1", to="45:00", at="Mon 20:00"),
            watched("s3e3", to="45:00", at="Tue 20:00"),
            watched("s2e1", to="45:00", at="Wed 20:00"),
            row(start("s2e2")),
            watched("s2e2", to="45:00", at="Thu 20:00"),
            row(start("s2e3")),
        ),
    ),
    Case(
        "jellyfin/jellyfin#6079",
        "the next season",
        """After the last episode of a season the series is gone until the next season is begun by
        hand. Expected: the first episode of the next season.""",
        (
            catalog(series(season(1, 3), specials(2), season(2, 3))),
            watched("s1e2", to="45:00", at="Mon 20:00"),
            watched("s1e3", to="45:00", at="Mon 20:50"),
            row(start("s2e1")),
        ),
    ),
    Case(
        "jellyfin/jellyfin#6079",
        "the next season is not out",
        "Expected: no tile that cannot be played; it is there on the day of the release.",
        (
            catalog(series(season(1, 3), season(2, 3, released="week 3 Fri 08:00"))),
            watched("s1e3", to="45:00", at="Mon 20:00"),
            row(),
            opened(at="week 3 Fri 19:00"),
            row(start("s2e1", because="new_episode")),
        ),
    ),
    Case(
        "jellyfin/jellyfin#6079",
        "the next season, without a catalog",
        "Expected: the series stays, and its tile means what follows.",
        (
            watched("s1e3", to="45:00", at="Mon 20:00"),
            row(after("s1e3")),
        ),
    ),
    Case(
        "jellyfin/jellyfin#7534",
        "a special at the end of a season",
        """Who watched the special after a season is offered that special again, or another one.
        Expected: the regular episode that follows the season.""",
        (
            catalog(series(season(1, 3), specials(2), season(2, 3))),
            watched("s1e3", to="45:00", at="Mon 20:00"),
            watched("s0e1", to="45:00", at="Tue 20:00"),
            row(start("s2e1")),
        ),
    ),
    Case(
        "jellyfin/jellyfin#7534",
        "a special at the end of a series",
        """Nothing follows: the special stays in the row, also when the series is watched again.
        Expected: it leaves; and then the episode that follows in the rewatch.""",
        (
            catalog(series(season(1, 3), specials(2))),
            watched("s1e3", to="45:00", at="Mon 20:00"),
            watched("s0e2", to="45:00", at="Tue 20:00"),
            row(),
            watched("s1e1", to="45:00", at="week 3 Tue 20:00"),
            row(start("s1e2")),
        ),
    ),
    Case(
        OURS,
        "a double episode",
        "Expected: what follows both of its numbers, also where they once were two episodes.",
        (
            catalog(series(doubled(season(1, 4), 1))),
            watched("s1e1", to="45:00", at="Mon 20:00"),
            row(start("s1e3")),
            catalog(series(doubled(season(1, 4), 3))),
            watched("s1e2", to="45:00", at="Tue 20:00"),
            row(start("s1e3")),
            watched("s1e3", to="45:00", at="Wed 20:00"),
            row(),
            watched("s1e4", to="45:00", at="Thu 20:00"),
            row(),
        ),
    ),
    Case(
        OURS,
        "an episode that was taken from the catalog",
        "Expected: no tile that cannot be played; the next one that can, else none.",
        (
            catalog(series(season(1, 3))),
            watched("s1e1", to="20:00", at="Mon 20:00"),
            row(resume("s1e1", "20:00")),
            catalog(series(only(season(1, 3), 2, 3))),
            row(start("s1e2")),
            catalog(series(only(season(1, 3), 3))),
            row(start("s1e3")),
            watched("s1e3", to="20:00", at="Tue 20:00"),
            catalog(series(only(season(1, 3), 1, 2))),
            row(),
            catalog(series(season(1, 3))),
            row(resume("s1e3", "20:00")),
        ),
    ),
    Case(
        OURS,
        "an episode that is not to be had abroad",
        "Expected: abroad the next one that can be played there; at home the one that is next.",
        (
            catalog(series(offered_in(season(1, 3), "BR", "PT", episode=2))),
            watched("s1e1", to="45:00", at="Mon 20:00"),
            opened(at="Mon 21:00", on="phone", country="DE"),
            opened(at="Mon 21:01", on="tv", country="BR"),
            row(start("s1e3"), on="phone"),
            row(start("s1e2"), on="tv"),
            watched("s1e2", to="12:00", at="Tue 20:00", on="tv"),
            row(resume("s1e2", "12:00"), on="tv"),
            row(start("s1e3"), on="phone"),
        ),
    ),
    Case(
        OURS,
        "the special that was begun",
        "Expected: who is in a special goes on with it, and then with the story.",
        (
            catalog(series(season(1, 3), specials(1), season(2, 2))),
            watched("s1e3", to="45:00", at="Mon 20:00"),
            watched("s0e1", to="12:00", at="Tue 20:00"),
            row(resume("s0e1", "12:00")),
            watched("s0e1", since="12:00", to="45:00", at="Wed 20:00"),
            row(start("s2e1")),
        ),
    ),
)
