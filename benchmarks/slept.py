"""Who slept: the logistic fitted to simulated sleepers, held to others, and to a real export."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from benchmarks.simulated import Simulated
from stream_cw.core.columns import LAST, columns
from stream_cw.core.events import Event, Play, Supplemental
from stream_cw.core.joined import joined
from stream_cw.core.packed_show import unpack_show
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.presence import SURELY_ATTENDED, log_odds
from stream_cw.core.row import View, row
from stream_cw.core.rules import Asleep
from stream_cw.core.show import bookmark_of
from stream_cw.core.state import ProfileState
from stream_cw.history.log import EventLog
from stream_cw.history.simulator.truth import PlaybackTruth
from stream_cw.model.openings import openings
from stream_cw.model.viewings import arrivals

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

WEIGHTS: Final = tuple(name for name in Asleep.__struct_fields__ if name != "threshold")
NO_WEIGHTS: Final = Asleep(**dict.fromkeys(Asleep.__struct_fields__, 0))
AS_SET: Final = Asleep(
    base=-3000, each_autoplay=700, each_quarter_hour=250, long_quiet=12_000, night=700,
    big_screen=300, played_out=1500, stopped=-300, display_off=20_000,
)  # fmt: skip
"""What was thought likely before anything was fitted."""
NOT_TOLD: Final = ("long_quiet", "stopped", "display_off")
"""Stay so: no simulated member who is awake lets four hours pass, all their players stop, and
nobody sees a display that is off."""
PRIOR: Final = 1.0
"""Variance of a weight around that, in squared log-odds."""
ENOUGH: Final = 1e-4
"""Steps in log-odds that change no weight."""
BINS: Final = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)
NEAR_MS: Final = 300_000


class Ended(NamedTuple):
    """How the newest playback of a show ended, of n of them.

    Attributes
    ----------
    terms : ndarray of float, shape (n, len(WEIGHTS))
        What each weight is multiplied by; zero where somebody was surely there.
    surely : ndarray of bool, shape (n,)
        Somebody surely was.
    slept : ndarray of bool, shape (n,)
        Nobody was, by the truth.
    minutes_off : ndarray of float, shape (n,)
        From where the member fell asleep to the bookmark, within the title; nan elsewhere.
    """

    terms: Floats
    surely: Bools
    slept: Bools
    minutes_off: Floats


def endings(members: Simulated) -> Ended:
    """Lay out the newest playback of each show, as it stood when a later session began."""
    plays: dict[tuple[str, str], list[PlaybackTruth]] = {}
    for told in members.truth:
        if isinstance(told, PlaybackTruth):
            plays.setdefault((told.profile_id, told.show_id), []).append(told)
    terms, surely, slept, off = [], [], [], []
    seen: set[tuple[str, str, int]] = set()
    for opening in openings(members.log):
        state, profile_id = opening.state, opening.session.profile_id
        ids, packed = list(state.shows), list(state.shows.values())
        shows = columns(joined(packed))
        of_weights = np.stack(
            [log_odds(shows, state.devices, replace(NO_WEIGHTS, **{name: 1})) for name in WEIGHTS],
            axis=1,
        )
        for n, (show_id, last) in enumerate(zip(ids, shows[LAST].tolist(), strict=True)):
            if (profile_id, show_id, last) in seen:
                continue
            seen.add((profile_id, show_id, last))
            done = [play for play in plays.get((profile_id, show_id), ()) if play.ts <= last]
            if not done:
                continue
            there = of_weights[n, 0] == SURELY_ATTENDED
            terms.append(np.zeros(len(WEIGHTS)) if there else of_weights[n])
            surely.append(there)
            slept.append(not done[-1].attended)
            off.append(_minutes_off(done, show_id, packed[n]) if slept[-1] else np.nan)
    return Ended(np.array(terms, np.float64), np.array(surely), np.array(slept), np.array(off))


def _minutes_off(done: list[PlaybackTruth], show_id: str, packed: bytes) -> float:
    mark = bookmark_of(unpack_show(show_id, packed))
    asleep = next(play for play in reversed(done) if play.asleep_from_ms)
    if asleep.title_id != mark.title_id or asleep.asleep_from_ms is None:
        return np.nan
    return (mark.position_ms - asleep.asleep_from_ms) / 60_000


def fit(seen: Ended) -> Asleep:
    """Fit the weights to what is not sure, by Newton's method; thousandths of log-odds."""
    terms, slept = seen.terms[~seen.surely], seen.slept[~seen.surely].astype(np.float64)
    prior = np.array([getattr(AS_SET, name) for name in WEIGHTS]) / 1000
    stays = np.array([name in NOT_TOLD for name in WEIGHTS])
    fixed, terms = terms @ np.where(stays, prior, 0), np.where(stays, 0, terms)

    def loss(weights: Floats) -> float:
        odds = fixed + terms @ weights
        miss = np.logaddexp(0, odds) - slept * odds
        return float(miss.sum() + ((weights - prior) ** 2).sum() / (2 * PRIOR))

    weights, step = prior.copy(), prior
    while np.abs(step).max() > ENOUGH:
        p = 1 / (1 + np.exp(-fixed - terms @ weights))
        slope = terms.T @ (slept - p) - (weights - prior) / PRIOR
        curve = (terms * (p * (1 - p))[:, None]).T @ terms + np.eye(len(weights)) / PRIOR
        step = np.linalg.solve(curve, slope)
        while loss(weights + step) > loss(weights):
            step = step / 2
        weights = weights + step
    return Asleep(**dict(zip(WEIGHTS, np.rint(1000 * weights).astype(int).tolist(), strict=True)))


def likelihoods(asleep: Asleep, ended: Ended) -> Floats:
    """Compute P(unattended) of each ending; 0 where somebody surely was there."""
    weights = np.array([getattr(asleep, name) for name in WEIGHTS], np.float64)
    p: Floats = np.where(ended.surely, 0, 1 / (1 + np.exp(-(ended.terms @ weights) / 1000)))
    return p


class Judged(NamedTuple):
    """Precision and recall at the threshold, of all sleepers and of those who are not ruled out."""

    endings: int
    sleepers: int
    told: int
    precision: float
    recall: float
    ruled_out: int
    curve: list[tuple[float, float, int, float, float]]


def judge(asleep: Asleep, ended: Ended) -> Judged:
    """Hold the weights to endings that they were not fitted to."""
    p = likelihoods(asleep, ended)
    told = ~ended.surely & (p >= 1 / (1 + np.exp(-asleep.threshold / 1000)))
    hits = float((told & ended.slept).sum())
    curve = []
    for low, high in pairwise(BINS):
        there = ~ended.surely & (p >= low) & ((p < high) | (high == 1))
        if there.any():
            mean, found = float(p[there].mean()), float(ended.slept[there].mean())
            curve.append((low, high, int(there.sum()), mean, found))
    return Judged(
        len(p),
        int(ended.slept.sum()),
        int(told.sum()),
        hits / max(1, int(told.sum())),
        hits / max(1, int(ended.slept.sum())),
        int((ended.slept & ended.surely).sum()),
        curve,
    )


@dataclass
class GoneOn:
    """Tiles at the attended position, and where the show was gone on with."""

    tiles: int = 0
    plays: int = 0
    went: dict[str, int] = field(default_factory=dict)


def gone_on(log: EventLog) -> GoneOn:
    """Follow each tile that a row offers at an attended position to the next deliberate play.

    It is counted once for each newest playback of its show. `back`: to the attended title (within
    the same title: nearer to the attended position than to the last). `on`: to the last title, or
    to one never played before. `between`: to another one that was played before.
    """
    plays = _deliberate_plays(log)
    found, seen = GoneOn(), set()
    for profile_id, state, show_id in _asleep_tiles(log):
        show = unpack_show(show_id, state.shows[show_id])
        if (profile_id, show_id, show.last_ts) in seen:
            continue
        seen.add((profile_id, show_id, show.last_ts))
        found.tiles += 1
        before = {p.title.id for p in plays.get((profile_id, show_id), ()) if p.ts <= show.last_ts}
        after = [p for p in plays.get((profile_id, show_id), ()) if p.ts > show.last_ts]
        chosen = next((play for play in after if not play.autoplay), None)
        if chosen is None:
            continue
        found.plays += 1
        mark, title, at = bookmark_of(show), chosen.title.id, chosen.position_ms
        if title == mark.title_id == show.title_id:
            nearer = abs(at - mark.position_ms) < abs(at - show.position_ms)
            went = "back" if nearer else "on"
        elif title == mark.title_id:
            went = "back"
        else:
            went = "on" if title == show.title_id or title not in before else "between"
        found.went[went] = found.went.get(went, 0) + 1
    return found


def _deliberate_plays(log: EventLog) -> dict[tuple[str, str], list[Play]]:
    found: dict[tuple[str, str], list[Play]] = {}
    for arrival in arrivals((log,)):
        event: Event = arrival.event
        if isinstance(event, Play) and not isinstance(event.title, Supplemental):
            found.setdefault((event.profile_id, event.title.show_id), []).append(event)
    for plays in found.values():
        plays.sort(key=lambda play: play.ts)
    return found


def _asleep_tiles(log: EventLog) -> Iterator[tuple[str, ProfileState, str]]:
    view = View(policy=WATCH_NEXT)
    for opening in openings(log):
        state, session = opening.state, opening.session
        made = row(state, session.profile_id, session.device_id, view)
        for tile in made.tiles:
            if tile.reason == "asleep":
                yield session.profile_id, state, tile.show_id
