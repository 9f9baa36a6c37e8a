"""Shows that tests begin with."""

from stream_cw.core.events import DEVICE_TYPES
from stream_cw.core.show import HOUR_BINS, Show
from stream_cw.core.show_tail import Nobody


def new_show(*, series: bool, title_id: str, ts: int, slot: int | None = None) -> Show:
    """Make a show that nothing has been counted of yet, begun at a time in ms on a device."""
    return Show(
        series=series,
        title_id=title_id,
        first_s=ts // 1000,
        last_ts=ts,
        position_ts=ts,
        begun_slot=slot,
        nobody=Nobody(0, 0, None),
        minutes=[0, 0, 0],
        plays_decayed=[0, 0, 0],
        hours=[0] * HOUR_BINS,
        types=[0] * len(DEVICE_TYPES),
        devices=[],
        episodes=[],
    )
