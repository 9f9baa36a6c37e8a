"""Every constant of the simulated members, and what it does.

Utilities are in hundredths of a nat: 100 more makes a choice e times as likely against the others.
The block "fitted" was set by measuring `marginals` on 300 profiles over 120 days; the rest is
plausible by design. Shares are per cent.
"""

from typing import Final

from stream_cw.core.events import DeviceType

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

# --- fitted: the marginals of real accounts --------------------------------------------------

STAY_ON_DEVICE: Final = 63
"""Share of sessions that stay on the last device without a thought: fewer switches."""
DISCOVERY: Final = 155
"""Utility of looking for something new: fewer returns."""
MOMENTUM: Final = (249, 285, 247, 179, 120)
"""Utility of going on with the last show, by the gap since the last session (`GAPS`)."""
GAPS: Final = (2 * HOUR, 8 * HOUR, 24 * HOUR, 72 * HOUR)
DEVICE_HABIT: Final = 138
"""Utility of a show on its own device, and what it loses on another: fewer returns to the last
show after a switch of device."""

# --- what draws a member to a show -----------------------------------------------------------

APPETITE_SPREAD: Final = 10
"""How much shows differ for a member, for good."""
SESSIONS_SINCE: Final = 40
"""Lost with each doubling of the sessions since the show was watched."""
DAYS_SINCE: Final = 30
"""Lost with each doubling of the days since."""
HOUR_HABIT: Final = 270
"""Utility of a show in the hours in which it is always watched; 0.6 of it is lost far away."""
WEEKEND_HABIT: Final = 15
"""Utility of a weekend show at the weekend, and what it loses on a working day."""
BINGE: Final = 30
"""Utility for each session in a row with the series, up to `BINGE_DEPTH`."""
BINGE_DEPTH: Final = 4
FILM_BEGUN: Final = 60
"""Utility of a film that was left halfway."""
FILM_FADES: Final = 45
"""Lost with each doubling of the days since, beyond `DAYS_SINCE`: half a film is soon forgotten."""
NEW_EPISODES: Final = 220
"""Utility of a series whose new episodes came since it was watched, for `NEW_FOR`."""
NEW_FOR: Final = 14 * DAY
REWATCH_KIDS: Final = 60
"""Lost by a children's show that was seen to its end."""
REWATCH: Final = 260
"""Lost by a comfort show that was seen to its end; other finished shows are not chosen."""
REWATCH_FILM: Final = 200
"""Lost besides by a film that was seen to its end."""
FADE: Final = 45
"""Lost by an abandoned show, times the square of the weeks since: its gaps grow till it is gone."""
GONE: Final = 49 * DAY
"""After this time an abandoned show is not weighed any more."""

# --- what draws a member to something new -----------------------------------------------------

JUST_FINISHED: Final = 110
"""Utility of something new right after a film or a whole series ended."""
LONG_AWAY: Final = 25
"""Utility of something new with each doubling of the days since the last session."""
DISCOVERY_SPREAD: Final = 45
"""How much members differ in that."""

# --- shows in a member's life ------------------------------------------------------------------

ABANDON: Final = 3
"""Share of sessions with a series after which the interest begins to fade."""
ABANDON_FIRST: Final = 12
"""The same after the first session with it."""
FILM_ABANDON: Final = 30
"""Share of films left halfway that are left for good."""
COMFORT: Final = 8
"""Share of shows that a member watches again and again."""
KIDS_REPEAT: Final = 45
"""Share of plays of a children's series that go back to an episode seen before."""
OWN_DEVICE: Final = 97
"""Share of shows whose own device is the one they were found on."""

CHILD: Final = {"kids": 100, "family": 35, "adult": 3, "couple": 3}
"""Share of discoveries that are a child's, by persona ..."""
CHILD_DEVICE: Final[dict[DeviceType, int]] = {"tablet": 80, "phone": 30, "tv": 25, "stick": 25}
"""... and in a family with device habits by device: children have the tablet."""

# --- sessions ----------------------------------------------------------------------------------

COME_BACK: Final = 8
"""Share of sessions that are followed by another within two hours."""
SECOND_SHOW: Final = 18
"""Share of watched shows that are followed by another in the same session."""
GLANCE: Final = 5
"""Share of sessions in which nothing is watched."""
MEANWHILE: Final = 5
"""Share of a shared profile's sessions during which somebody watches on a second device."""
AWAY: Final = 5.0
"""Share of days on which a member goes away for three to seven days."""
OFFLINE: Final = 4
"""Share of phone and tablet sessions whose events wait for a network, for hours."""
REPEATED: Final = 0.5
"""Share of events that arrive twice."""
PAUSED: Final = 12
"""Share of playbacks that are paused."""
STOP_AT_CREDITS: Final = 75
"""Share of titles that are left when the credits begin, not at their very end."""
ROW_SEEN: Final = 30
"""Share of sessions that report what was visible of the row."""
ASLEEP: Final = (9, 1, 1, 0, 1, 1, 3, 10)
"""Share of sessions of an hour or longer in which the member falls asleep, by three local hours."""
DISPLAY_OFF: Final = 35
"""Share of sleepers whose TV turns its display off and says so."""
GO_BACK: Final = 85
"""Share of sleepers who later go back to where they fell asleep; the others go on."""
STILL_THERE: Final = 3
"""Episodes that play to nobody before the player stops to ask."""
TIDY_UP: Final = 3
"""Share of sessions in which an abandoned show is taken out of the row, or marked as watched."""
RATES: Final = 8
"""Share of finished films and series that are rated."""
PROGRESS_EVERY: Final = 10 * MINUTE
"""A playing player reports this often; real ones more often, but logs should stay small."""
SESSION_GAP: Final = 31 * MINUTE
"""Least time between the end of a session and the next: just beyond what splits sessions."""

# --- the hours of the day, in eight parts of three ----------------------------------------------

HOURS_ADULT: Final = (4, 1, 3, 4, 8, 10, 34, 36)
HOURS_KIDS: Final = (0, 1, 14, 14, 12, 30, 28, 1)
HOURS_FAMILY: Final = (2, 1, 9, 8, 10, 22, 28, 20)
HOURS_DEVICE: Final[dict[DeviceType, tuple[int, ...]]] = {
    "tv": (8, 2, 4, 4, 6, 10, 30, 34),
    "stick": (8, 2, 4, 4, 6, 10, 30, 34),
    "console": (8, 2, 2, 3, 6, 12, 22, 22),
    "phone": (12, 8, 20, 14, 18, 12, 8, 14),
    "tablet": (4, 4, 14, 12, 14, 22, 12, 10),
    "computer": (8, 2, 4, 10, 12, 14, 14, 14),
    "other": (3, 3, 3, 3, 3, 3, 3, 3),
}

# --- how long, in minutes ------------------------------------------------------------------------

SESSION: Final = (14, 75)
LONG_SESSION: Final = (90, 230)
KIDS_SESSION: Final = (10, 60)
FILM_TO_THE_END: Final = 65
"""Share of films that are watched to their end in the session that they are chosen in."""
