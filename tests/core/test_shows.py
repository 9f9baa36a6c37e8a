"""The shows of a state in one block of bytes are what a dict of them is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_cw.core.shows import Shows

IDS = st.text("ab.", min_size=1, max_size=3)
"""So short and so alike that one is often a part of another, or of two beside one another."""
PACKED = st.binary(min_size=1, max_size=300)
SHOWS = st.dictionaries(IDS, PACKED, max_size=12)


@given(SHOWS, IDS)
def test_they_read_as_a_dict_does(packed: dict[str, bytes], asked: str) -> None:
    shows = Shows.of(packed)
    assert list(shows) == shows.ids() == list(packed)
    assert shows.packed() == list(packed.values())
    assert shows.sizes() == tuple(map(len, packed.values()))
    assert (len(shows), shows.by_id(), shows) == (len(packed), packed, packed)
    assert (asked in shows, shows.get(asked)) == (asked in packed, packed.get(asked))
    assert [shows[show_id] for show_id in packed] == list(packed.values())
    assert 0 not in shows


@given(SHOWS, IDS, PACKED)
def test_others_are_made_of_them_and_they_stay_as_they_were(
    packed: dict[str, bytes], show_id: str, content: bytes
) -> None:
    shows, wanted = Shows.of(packed), {**packed, show_id: content}
    place = shows.find(show_id)
    if place is None:
        changed = shows.added(show_id, content)
    else:
        assert shows.at(place) == packed[show_id]
        changed = shows.replaced(place, content)
    assert list(changed.by_id().items()) == list(wanted.items())
    assert list(shows.with_show(show_id, content).by_id().items()) == list(wanted.items())
    rest = changed.without(show_id)
    del wanted[show_id]
    assert list(rest.by_id().items()) == list(wanted.items())
    assert shows == packed


def test_a_show_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="b"):
        Shows.of({"a": b"x"})["b"]
