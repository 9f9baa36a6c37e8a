"""A run's verdict: all oracles, one after another."""

import time
from collections import Counter

from changelog import folded, states_of, stores
from memory import MOST_GROWTH
from oracle import Expected, Verdict, judge_rows, read_back, records_of, states_wrong
from outcome import Outcome, Recovery
from stage import Stage
from verdict import (
    Counted,
    Windows,
    count,
    delays,
    lost_and_doubled,
    part,
    recording,
    stores_wrong,
)

from stream_cw.core.row import RECENCY, View
from stream_cw.core.rows import Version, decode_row
from stream_cw.history.log import EventLog
from stream_cw.model.chosen import choose

CATCH_UP_S = 30.0


def judged(stage: Stage, began: float, drained: float | None) -> Outcome:
    """Read back all that was written, and compare; the workers have ended, the gateway runs."""
    setting, topics, ledger = stage.setting, stage.topics, stage.load.ledger
    view = RECENCY if setting.model == "recency" else View(scorer=choose("shipped"))
    expected = read_back(stage.address, topics, setting.partitions, stage.folder, [view])
    verdict = judge_rows(stage.address, topics, setting.partitions, expected)
    found = [store for slot in stage.workers for store in stores(slot.process.folder)]
    changelog = folded(records_of(stage.address, topics.changelog, setting.partitions), found)
    states = states_of(changelog)
    verdict.states_wrong = states_wrong(states, expected)
    counted = count(EventLog(recording(stage.folder)), ledger.entries, ledger.unplaced)
    windows = Windows(stage.watcher.incidents)
    late = _delays(stage, counted, windows)
    lost, doubled = lost_and_doubled(counted.revisions, states)
    growth = stage.memory.growth
    wrong = {
        **_ledger_wrong(stage, counted, expected),
        **_rows_wrong(verdict, windows),
        "O3 stores": stores_wrong(changelog, found),
        "O5 clients": _clients_wrong(stage),
        "memory that grows": [name for name, slope in growth.items() if slope > MOST_GROWTH],
    }
    clients = stage.viewers.clients
    return Outcome(
        seed=setting.seed,
        seconds=setting.seconds,
        brokers=setting.brokers,
        workers=setting.workers,
        clients=len(clients),
        struck=dict(Counter(stage.struck)),
        kills=stage.kills,
        ended_themselves=[f"{end.name}, {end.status}: {end.words}" for end in stage.ends],
        events=len(counted.stamps),
        acknowledged=len(ledger.entries) + len(ledger.unplaced),
        unacknowledged=counted.unacknowledged,
        rows=verdict.rows,
        dead_letters=verdict.dead_letters,
        lost=lost + len(counted.misplaced) + len(counted.nowhere),
        doubled=doubled,
        wrong={name: items for name, items in wrong.items() if items},
        repeated=verdict.repeated,
        lower=verdict.lower,
        hidden=sum(len(part_.hidden) for part_ in changelog.values()),
        came_back=sum(max(0, client.connections - 1) for client in clients),
        client_rows=sum(len(client.rows) for client in clients),
        recoveries=[
            Recovery(incident.what, incident.at - began, incident.seconds)
            for incident in stage.watcher.incidents
        ],
        drained_s=drained,
        delay_p50_ms=part(late, 0.5),
        delay_p99_ms=part(late, 0.99),
        most_mib=stage.memory.most_mib,
        growth=growth,
        memory=stage.memory.course,
    )


def _delays(stage: Stage, counted: Counted, windows: Windows) -> list[int]:
    rows = records_of(stage.address, stage.topics.rows, stage.setting.partitions)
    return delays(rows, counted.stamps, windows)


def _ledger_wrong(stage: Stage, counted: Counted, expected: Expected) -> dict[str, list[str]]:
    ledger = stage.load.ledger
    refused = {(partition, offset) for _, partition, offset in expected.refused}
    return {
        "O1 acknowledged": [
            *(f"not where it was acknowledged: {place}" for place in counted.misplaced),
            *(f"acknowledged, and nowhere: {key.decode()}" for key in counted.nowhere),
            *(f"acknowledged twice: {place}" for place in ledger.doubled),
            *ledger.failures,
        ],
        "O1 refused": [str(place) for place in sorted(counted.refused ^ refused)],
    }


def _rows_wrong(verdict: Verdict, windows: Windows) -> dict[str, list[str]]:
    return {
        "O2 dead letters": [str(place) for place in verdict.dead_letters_wrong],
        "O3 states": [key.decode() for key in verdict.states_wrong],
        "O4 rows": verdict.wrong,
        "O4 last rows": [key.decode() for key in verdict.stale],
        "O4 lower out of turn": [
            f"at {stamp}" for stamp in verdict.lower_at if not windows.covers(stamp)
        ],
    }


def _clients_wrong(stage: Stage) -> list[str]:
    newest = _newest(stage)
    deadline = time.monotonic() + CATCH_UP_S
    while stage.viewers.behind(newest) and time.monotonic() < deadline:
        time.sleep(0.1)
    behind = [f"{name} has not the newest row" for name in stage.viewers.behind(newest)]
    return behind + stage.viewers.out_of_order()


def _newest(stage: Stage) -> dict[bytes, bytes]:
    """The row of the highest version, of each device that somebody follows."""
    followed = {f"{c.profile}/{c.device}".encode() for c in stage.viewers.clients}
    newest: dict[bytes, tuple[Version, bytes]] = {}
    for row in records_of(stage.address, stage.topics.rows, stage.setting.partitions):
        if row.key in followed and row.value is not None:
            found = decode_row(row.value).version, row.value
            newest[row.key] = max(newest.get(row.key, found), found)
    return {key: value for key, (_, value) in newest.items()}
