"""Complaints about other systems, one by one: the row that ours has after the same events."""

import pytest
from cases import asleep, devices, finished, next_episode, private, removed, rewatch, versions
from script import OURS, Case, Catalog, Shown, is_recorded, numbered, take, tiles_in_words

from stream_cw.core.policies import POLICIES
from stream_cw.core.row import View
from stream_cw.core.rules import Policy
from stream_cw.core.state import ProfileState

THEMES = (finished, removed, next_episode, devices, rewatch, asleep, versions, private)
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

RUNS = [
    pytest.param(case, POLICIES[name], id=f"{case.complaint}: {case.name} ({name})")
    for case in CASES
    for name in case.under
]


@pytest.mark.parametrize(("case", "policy"), RUNS)
def test_complaint(case: Case, policy: Policy) -> None:
    state: ProfileState | None = None
    due: tuple[str, ...] = ()
    view, made = View(policy=policy), 0
    for part in case.script:
        match part:
            case Catalog():
                view = part.view(policy)
            case Shown(on, pushed, tiles, recorded):
                assert state is not None
                assert tiles_in_words(state, on, view) == tiles
                assert is_recorded(state, on, view) == recorded
                assert not pushed or on in due
            case events:
                for event in numbered(events, made):
                    taken = take(state, event)
                    state, due, made = taken.state, taken.due, made + 1


def test_each_complaint_has_its_case() -> None:
    assert {case.complaint for case in CASES} == COMPLAINTS | {OURS}
    assert len({(case.complaint, case.name) for case in CASES}) == len(CASES)
    for case in CASES:
        assert sum(isinstance(part, Shown) for part in case.script), f"{case.name} shows no row"
