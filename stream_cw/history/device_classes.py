"""Device strings of a viewing export: the id they become, and the class of the device."""

import re
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from stream_cw.core.events import DeviceType

UNNAMED: Final = "~unnamed"
"""The id of the device of rows that name none; no device string is encoded to it."""
_LONGEST_ID: Final = 128

_CLASSES: Final[tuple[tuple[DeviceType, str], ...]] = (
    ("other", r"oculus|\bquest\b|\bvr\b|gear vr|daydream|vision pro"),
    (
        "console",
        r"playstation|\bps ?(?:[345]|vita)\b|xbox|nintendo|\bwii\b|game console|\bsteam deck\b",
    ),
    ("tv", r"smart ?tv"),
    (
        "stick",
        r"chromecast|stick|fire ?tv|\broku\b|apple ?tv|set[ -]?top|\bstb\b|legacystb"
        r"|\bshield\b|\bmi ?box\b|nexus player|blu-?ray|home theat|media player|streaming player"
        r"|\bbox\b|\bdvr\b|\btivo\b",
    ),
    ("tablet", r"ipad|tablet|\btab\b|kindle|fire hd\b"),
    (
        "computer",
        r"cadmium|windows app|windows netflix|chrome\b|chromebook|\bchrome ?os\b|\bedge\b|safari"
        r"|firefox|internet explorer|\bopera\b|silverlight|browser|html ?5|\bmac\b|macbook|\bimac\b"
        r"|\bpc\b|laptop|desktop|linux",
    ),
    (
        "tv",
        r"\b[du]?h?d?tvs?\b|televis|\bbravia\b|\btizen\b|\bwebos\b|\bviera\b|\baquos\b|\bvizio\b",
    ),
    (
        "phone",
        r"phone|ipod|mobile|\bgalaxy\b|\bpixel\b|\bmoto\b|redmi|xperia|oneplus|huawei|android",
    ),
)
"""First match wins, in lower case.

`tv` is a set with the app built in (`Smart TV`, also one that runs Roku or Fire TV); `stick` is
whatever is plugged into one: sticks, boxes, set-top boxes, disc players. `Cadmium` is the service's
player in browsers and in its Windows app (`… Cadmium Windows Mobile` is that app on a computer).
`other` are headsets, and what no pattern knows.
"""
_PATTERNS: Final = tuple((kind, re.compile(pattern)) for kind, pattern in _CLASSES)
_TO_ENCODE: Final = re.compile(r"[^A-Za-z0-9.\- ]")


@lru_cache(maxsize=1_024)
def device_type(device: str) -> DeviceType:
    """Tell the class of a device by its string."""
    lowered = device.lower()
    return next((kind for kind, pattern in _PATTERNS if pattern.search(lowered)), "other")


@lru_cache(maxsize=1_024)
def device_id(device: str) -> str:
    """Write a device string as an id: readable, and distinct for distinct strings.

    A blank becomes `_`, what an id cannot hold `~` and two hexadecimal digits for each byte. A
    string that gets too long is cut and ends in `~~` and its hash.
    """
    if not device:
        return UNNAMED
    encoded = _TO_ENCODE.sub(
        lambda found: "".join(f"~{byte:02x}" for byte in found[0].encode()), device
    ).replace(" ", "_")
    if len(encoded) <= _LONGEST_ID:
        return encoded
    end = "~~" + blake2b(device.encode(), digest_size=8).hexdigest()
    return encoded[: _LONGEST_ID - len(end)] + end
