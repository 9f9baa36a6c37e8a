"""Who the members are: households with their devices, and each profile's habits for good."""

from typing import Final

from msgspec import Struct

from stream_cw.core.events import DeviceType
from stream_cw.history.simulator import tuning
from stream_cw.history.simulator.catalog import GENRES, KIDS_GENRES, Show
from stream_cw.history.simulator.dice import Dice, dice_for, name_for

_BLOCKS: Final = ((0, 0, 0, 0), (0, 1, 1, 1), (0, 0, 1, 1), (0, 1, 1, 2), (0, 1, 2, 3))
"""How four profiles in a row live together: equal numbers share a household."""
_COUNTRIES: Final = (("BR", -180), ("DE", 60), ("GB", 0), ("IN", 330), ("JP", 540), ("ZA", 120))


class Device:
    """A device of a household as one profile uses it."""

    def __init__(self, device_id: str, device_type: DeviceType, weight: int) -> None:
        self.id = device_id
        self.type: DeviceType = device_type
        self.weight = weight
        self.offline_until = 0


class Member(Struct, frozen=True, kw_only=True):
    """A profile's habits for good; shares are per cent, utilities hundredths of a nat.

    Attributes
    ----------
    number : int
    profile_id : str
    persona : {'kids', 'adult', 'family', 'couple'}
        `family` and `couple` are profiles that several people share.
    country : str
    tz_offset_min : int
    devices : tuple of Device
    per_day : int
        Sessions in a hundred days.
    working_hours, weekend_hours : tuple of int
        Weights of the eight three-hour parts of the day.
    genres : dict
        Share of shows of a genre that the member would try.
    device_habits : bool
        Whether the device plays a part at all.
    stay, discovery, device_habit, hour_habit : int
        The member's own `STAY_ON_DEVICE`, `DISCOVERY`, `DEVICE_HABIT` and `HOUR_HABIT`.
    long_sessions : int
        Share of sessions that are binges.
    autoplay : bool
        The player goes on by itself.
    """

    number: int
    profile_id: str
    persona: str
    country: str
    tz_offset_min: int
    devices: tuple[Device, ...]
    per_day: int
    working_hours: tuple[int, ...]
    weekend_hours: tuple[int, ...]
    genres: dict[str, int]
    stay: int
    discovery: int
    device_habits: bool
    device_habit: int
    hour_habit: int
    long_sessions: int
    autoplay: bool

    @property
    def shared(self) -> bool:
        """Whether several people use the profile."""
        return self.persona in ("family", "couple")

    def local(self, ts: int) -> int:
        """Return local time, ms since 1970 as if it were UTC."""
        return ts + self.tz_offset_min * tuning.MINUTE

    def part(self, ts: int) -> int:
        """Return which three hours of the local day, 0 to 7."""
        return self.local(ts) % tuning.DAY // (3 * tuning.HOUR)

    def weekend(self, ts: int) -> bool:
        """Whether it is Saturday or Sunday; the first day of 1970 was a Thursday."""
        return (self.local(ts) // tuning.DAY + 3) % 7 >= 5  # noqa: PLR2004

    def takes(self, ts: int, last: Device | None, dice: Dice) -> Device:
        """Draw the device of a session: often the last one, else by the hour."""
        if last is not None and dice.chance(self.stay):
            return last
        if not self.device_habits:
            return self.devices[dice.pick([device.weight for device in self.devices])]
        part = self.part(ts)
        return self.devices[
            dice.pick([d.weight * tuning.HOURS_DEVICE[d.type][part] for d in self.devices])
        ]

    def child_at(self, device: Device, dice: Dice) -> bool:
        """Draw whether it is a child that looks for something new."""
        if self.persona != "family":
            return dice.chance(tuning.CHILD[self.persona])
        if not self.device_habits:
            return dice.chance(tuning.CHILD["family"])
        return dice.chance(tuning.CHILD_DEVICE.get(device.type, 15))

    def likes(self, show: Show, dice: Dice) -> bool:
        """Draw whether the member would try a show."""
        return dice.chance(max(self.genres.get(genre, 0) for genre in show.genres))


def make_member(seed: int, number: int, *, device_habits: bool) -> Member:
    """Make the member of a profile's number.

    Parameters
    ----------
    seed, number : int
    device_habits : bool
        False: what is watched on a device, and when it is used, does not depend on the device.
    """
    block = dice_for(seed, "block", number // 4)
    flat = _BLOCKS[block.below(len(_BLOCKS))][number % 4]
    home = dice_for(seed, "household", number // 4 * 4 + flat)
    country, offset = _COUNTRIES[home.below(len(_COUNTRIES))]
    dice = dice_for(seed, "member", number)
    persona = ("kids", "adult", "family", "couple")[dice.pick((14, 44, 26, 16))]
    hours = {"kids": tuning.HOURS_KIDS, "family": tuning.HOURS_FAMILY}.get(
        persona, tuning.HOURS_ADULT
    )
    genres = {genre: dice.between(3, 60) for genre in GENRES}
    genres |= {genre: dice.between(20, 80) for genre in KIDS_GENRES}
    return Member(
        number=number,
        profile_id=name_for(seed, "profile", number, size=8),
        persona=persona,
        country=country,
        tz_offset_min=offset,
        devices=_devices(seed, number, number // 4 * 4 + flat, home, dice, persona),
        per_day=(25, 50, 90, 140, 200)[dice.pick((20, 24, 26, 20, 10))] + dice.below(30),
        working_hours=tuple(weight * dice.between(30, 170) + 1 for weight in hours),
        weekend_hours=tuple((weight + 5) * dice.between(50, 150) + 1 for weight in hours),
        genres=genres,
        stay=_between(tuning.STAY_ON_DEVICE + dice.bell(10), 0, 97),
        discovery=tuning.DISCOVERY + dice.bell(tuning.DISCOVERY_SPREAD),
        device_habits=device_habits,
        device_habit=tuning.DEVICE_HABIT * dice.between(85, 115) // 100 if device_habits else 0,
        hour_habit=tuning.HOUR_HABIT * dice.between(85, 115) // 100,
        long_sessions=dice.between(8, 40),
        autoplay=dice.chance(75),
    )


def _between(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)


def _devices(
    seed: int, number: int, household: int, home: Dice, dice: Dice, persona: str
) -> tuple[Device, ...]:
    shared: list[tuple[str, DeviceType]] = []
    for purpose, device_type, percent in _HOUSEHOLD_DEVICES:
        if home.chance(percent):
            shared.append((f"{device_type}-{name_for(seed, purpose, household)}", device_type))
    own: list[tuple[str, DeviceType]] = []
    for purpose, device_type, percents in _OWN_DEVICES:
        if dice.chance(percents[persona]):
            own.append((f"{device_type}-{name_for(seed, purpose, number)}", device_type))
    if not shared + own or (len(shared) + len(own) == 1 and dice.chance(85)):
        own.append((f"computer-{name_for(seed, 'spare', number)}", "computer"))
    return tuple(
        Device(device_id, device_type, dice.between(20, 100) * (2 if device_type == "tv" else 1))
        for device_id, device_type in shared + own
    )


_HOUSEHOLD_DEVICES: Final[tuple[tuple[str, DeviceType, int], ...]] = (
    ("tv", "tv", 82),
    ("stick", "stick", 18),
    ("console", "console", 14),
    ("household tablet", "tablet", 35),
    ("other", "other", 3),
)
_OWN_DEVICES: Final[tuple[tuple[str, DeviceType, dict[str, int]], ...]] = (
    ("phone", "phone", {"kids": 20, "adult": 85, "family": 85, "couple": 90}),
    ("tablet", "tablet", {"kids": 75, "adult": 15, "family": 60, "couple": 20}),
    ("computer", "computer", {"kids": 10, "adult": 50, "family": 35, "couple": 55}),
    ("second phone", "phone", {"kids": 0, "adult": 0, "family": 20, "couple": 60}),
)
