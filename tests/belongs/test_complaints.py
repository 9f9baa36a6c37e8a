"""Complaints about other systems, one by one: the row that ours has after the same events."""

import pytest
from cases import asleep, devices, finished, next_episode, removed, rewatch, versions
from vocabulary import Case, Catalog, Shown, numbered, told

from stream_cw.core.policies import POLICIES
from stream_cw.core.row import View, row
from stream_cw.core.rows import Tile
from stream_cw.core.rules import Policy
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step
from stream_cw.core.works import pack_work

THEMES = (finished, removed, next_episode, devices, rewatch, asleep, versions)
CASES = [case for theme in THEMES for case in theme.CASES]
COMPLAINTS = {
    "jellyfin/jellyfin#12054",
    "Stremio/stremio-bugs#2807",
    "Stremio/stremio-bugs#1668",
    "jellyfin/jellyfin-desktop#864",
    "edde746/plezy#995",
    "jellyfin/jellyfin#11483",
    "jellyfin/jellyfin#17652",
    "jellyfin/jellyfin#6079",
    "jellyfin/jellyfin#7534",
    "NuvioMedia/NuvioTV#2130",
    "NuvioMedia/NuvioTV#1194",
    "jellyfin/jellyfin#15761",
    "jellyfin/jellyfin#10984",
    "jellyrock/jellyrock#982",
    "jellyfin/jellyfin-web#6737",
    "jellyfin/jellyfin#12049",
    "jellyfin/jellyfin#12131",
}
SAID = ("asleep", "new_episode")
"""Reasons that a tile must give where a case names them, and only there."""

RUNS = [
    pytest.param(case, POLICIES[name], id=f"{case.complaint}: {case.name} ({name})")
    for case in CASES
    for name in case.under
]


@pytest.mark.parametrize(("case", "policy"), RUNS)
def test_complaint(case: Case, policy: Policy) -> None:
    state: ProfileState | None = None
    due: tuple[str, ...] = ()
    view, offset = View(policy=policy), 0
    for part in numbered(case.script):
        match part:
            case Catalog(entries):
                works = {entry.id: pack_work(entry) for entry in entries}
                view = View(policy=policy, works=works, catalog=view.catalog + len(entries))
            case Shown():
                assert state is not None
                assert in_words(row(state, "p", part.on, view).tiles) == list(part.tiles)
                assert not part.pushed or part.on in due
            case events:
                for event in events:
                    taken = step(state, event, Source(bytes(16), 0, offset))
                    state, due, offset = taken.state, taken.due, offset + 1


def test_each_complaint_has_its_case() -> None:
    assert {case.complaint for case in CASES} == COMPLAINTS
    assert len({(case.complaint, case.name) for case in CASES}) == len(CASES)
    for case in CASES:
        assert sum(isinstance(part, Shown) for part in case.script), f"{case.name} shows no row"


def in_words(tiles: list[Tile]) -> list[str]:
    return [
        told(
            tile.title_id,
            tile.position_ms,
            up_next=tile.up_next,
            because=tile.reason if tile.reason in SAID else None,
        )
        for tile in tiles
    ]
