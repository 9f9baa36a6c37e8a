"""What is remembered of a row, to hold back one that shows nothing new."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stream_cw.core.rows import (
    Cause,
    ModelRef,
    Placement,
    Row,
    Tile,
    Version,
    encode_row,
    row_content,
    seen_of,
)

SMALL = st.integers(0, 2)
TEXTS = st.text(max_size=4) | st.sampled_from(
    ['a,"model":{"id":"b"}', '",\\"model\\":{', ',"model":{', "\\", "1", "\n1\na", 'a"\n0']
)
TILES = st.builds(
    Tile,
    show_id=TEXTS,
    kind=st.sampled_from(["movie", "series"]),
    title_id=TEXTS,
    season=st.none() | SMALL,
    episode=st.none() | SMALL,
    position_ms=SMALL,
    duration_ms=st.none() | SMALL,
    up_next=st.booleans(),
    score=SMALL,
    reason=TEXTS,
)
FIELDS = {
    "profile_id": TEXTS,
    "device_id": TEXTS,
    "session_id": st.none() | TEXTS,
    "version": st.builds(Version, SMALL, SMALL, SMALL),
    "ts": SMALL,
    "cause": st.builds(Cause, TEXTS, TEXTS, st.booleans()),
    "model": st.builds(ModelRef, TEXTS, st.none() | st.just("ab" * 32)),
    "placement": st.builds(Placement, SMALL, SMALL, TEXTS),
    "arm": st.none() | TEXTS,
    "tiles": st.lists(TILES, max_size=2),
}
CHANGES = st.one_of([st.fixed_dictionaries({name: values}) for name, values in FIELDS.items()])


@settings(max_examples=300)
@given(st.fixed_dictionaries(FIELDS), CHANGES)
def test_it_is_equal_where_a_member_sees_the_same(fields, changed):
    one = Row(**fields)
    other = replace(one, **changed)
    seen, others = seen_of(one, encode_row(one)), seen_of(other, encode_row(other))
    assert (seen == others) == (row_content(one) == row_content(other))
