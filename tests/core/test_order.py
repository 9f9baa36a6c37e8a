"""In which order tiles stand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream_cw.core.order import in_order

FAR = 9_007_199_254_740_991
FEW = st.integers(-2, 2) | st.sampled_from((-FAR, FAR))
SHOWS = st.lists(
    st.tuples(FEW, FEW, st.text("ab", max_size=4)), max_size=64, unique_by=lambda s: s[2]
)


@given(SHOWS)
def test_by_score_then_last_play_then_id(shows: list[tuple[int, int, str]]) -> None:
    scores, played, ids = ([show[n] for show in shows] for n in range(3))
    found = in_order(scores, np.array(played, np.int64), ids)
    assert [shows[n] for n in found] == sorted(shows, key=lambda s: (-s[0], -s[1], s[2]))


def test_where_none_stand_equal_ids_say_nothing() -> None:
    scores, played = [1, 3, 3, 2], np.array([9, 5, 6, 1], np.int64)
    assert in_order(scores, played, ["d", "a", "b", "c"]) == [2, 1, 3, 0]
