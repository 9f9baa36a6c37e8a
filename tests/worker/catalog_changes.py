"""Changes of the catalog while workers run, and what their rows must be then."""

import random
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Producer
from oracle import Verdict, judge
from worker_support import log_ends
from worker_system import PARTITIONS, System
from works_scorer import ByWorks

from stream_cw.clients.record import record
from stream_cw.core.catalog import EpisodeEntry, Season, SeriesEntry, encode_catalog_entry
from stream_cw.core.row import View
from stream_cw.core.rows import decode_row
from stream_cw.core.scoring import Scorer
from stream_cw.history.catalog_file import KnownWorks, read_catalog

SHOWS = 30
"""As many as `make_events` plays."""
BAD = [(b"series-1", b"no entry"), (b"series-2", b'{"kind":"series","id":"series-3"}')]
BY_WORKS = ByWorks()

Change = tuple[bytes, bytes | None]


def entry(show: int, rng: random.Random) -> Change:
    """An entry of a show, of which hardly two are equal."""
    episodes = [EpisodeEntry(id=f"e{n}", episode=rng.randrange(99)) for n in range(5)]
    made = SeriesEntry(id=f"series-{show}", seasons=[Season(season=1, episodes=episodes)])
    return made.id.encode(), encode_catalog_entry(made)


def whole(rng: random.Random) -> list[Change]:
    return [entry(show, rng) for show in range(SHOWS)]


def changes(rng: random.Random) -> list[Change]:
    """New entries, entries that go, and records that must change nothing."""
    new = [entry(show, rng) for show in rng.sample(range(SHOWS), 6)]
    gone: list[Change] = [(b"series-%d" % show, None) for show in rng.sample(range(SHOWS), 3)]
    return rng.sample([*new, *gone, *BAD], len(new) + len(gone) + len(BAD))


def publish(system: System, records: list[Change], transaction: str = "") -> int:
    """Write to the catalog's topic; the version that it has then."""
    settings: dict[str, str | int] = {"bootstrap.servers": system.brokers, "log_level": 0}
    if transaction:
        settings["transactional.id"] = transaction
    producer = Producer(settings)
    if transaction:
        producer.init_transactions(30)
        producer.begin_transaction()
    for key, value in records:
        producer.produce(system.topics.catalog, key=key, value=value, partition=0)
    if transaction:
        producer.commit_transaction(30)
    assert producer.flush(30) == 0
    return log_ends(system.brokers, system.topics.catalog, 1)[0]


def recorded(system: System, folder: Path) -> Callable[[int], KnownWorks]:
    """The topic as `catalog export` writes it, and what it says at a version."""
    path = folder / "catalog.jsonl"
    with path.open("wb") as out:
        record(system.brokers, out, topic=system.topics.catalog)
    return lambda version: read_catalog(path, version)


def versions_named(system: System) -> set[int]:
    rows = [decode_row(value) for _, value, *_ in system.rows() if value is not None]
    return {row.version.catalog for row in rows}


def verdict_of(system: System, folder: Path, shift: int = 0, scorer: Scorer = BY_WORKS) -> Verdict:
    """Hold the rows to the replay under the recorded catalog at the versions that they name."""
    at = recorded(system, folder)
    views = []
    for version in versions_named(system):
        works, _, ts = at(max(0, version - shift))
        views.append(View(scorer=scorer, works=works, catalog=version, catalog_ts=ts))
    return judge(system.brokers, system.topics, PARTITIONS, folder, views, pushed=True)
