"""Catalog entries for property tests."""

from hypothesis import strategies as st

from stream_cw.core.catalog import CatalogEntry, EpisodeEntry, MovieEntry, Season, SeriesEntry

OLDEST, EPOCH_2000, LATEST = -2_840_140_800_000, 946_684_800_000, 4_102_444_800_000

stamps = st.none() | st.integers(EPOCH_2000, LATEST)
releases = st.none() | st.integers(OLDEST, LATEST)
ordinals = st.none() | st.integers(0, 65_535)
ids = st.text("abc", min_size=1, max_size=3)
works = st.none() | st.sampled_from(["w1", "w2", "w3"])
countries = st.none() | st.lists(st.sampled_from(["BR", "DE", "PT"]), unique=True)
languages = st.none() | st.sampled_from(["en", "pt-BR"])

_offer = {
    "id": ids,
    "work_id": works,
    "language": languages,
    "released_ts": releases,
    "available_from_ts": stamps,
    "available_until_ts": stamps,
    "countries": countries,
}
_length = {"duration_ms": st.none() | st.integers(1, 10**7), "credits_ms": ordinals}
_entry = {**_offer, "kids": st.none() | st.booleans(), "added_ts": stamps}

episodes = st.builds(
    EpisodeEntry, **_offer, **_length, episode=ordinals, episode_end=ordinals, special=st.booleans()
)
seasons = st.builds(Season, season=ordinals, episodes=st.lists(episodes, max_size=6))
movies = st.builds(MovieEntry, **_entry, **_length)
series = st.builds(SeriesEntry, **_entry, seasons=st.lists(seasons, max_size=4))
entries: st.SearchStrategy[CatalogEntry] = movies | series
