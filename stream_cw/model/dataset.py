"""The data set: what the features say of every candidate of every scored session, and its label."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final, NamedTuple, get_args
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.candidates import Candidates, candidates
from stream_cw.core.extraction import feature_codes
from stream_cw.core.features import (
    SESSION_FEATURES,
    SHOW_FEATURES,
    UNKNOWN,
    features_hash,
)
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.state import ProfileState, find_device, hash64
from stream_cw.errors import DataSetError
from stream_cw.history.log import EventLog, content_hash
from stream_cw.model.labels import Session, SessionKind
from stream_cw.model.openings import Opening, openings

FORMAT: Final = 2
KINDS: Final[tuple[SessionKind, ...]] = get_args(SessionKind)
ABSENT: Final = -1

Codes = NDArray[np.uint8]
Hashes = NDArray[np.uint64]


class DataSet(NamedTuple):
    """Arrays over n sessions, in the order in which their labels become known, and m candidates.

    Attributes
    ----------
    show : uint8, shape (m, features)
        Features of the candidates, session by session: what `core.features` computes.
    shows : uint64, shape (m,)
        Hashes of the candidates' ids.
    bounds : int64, shape (n + 1,)
        The candidates of session i are bounds[i] to bounds[i + 1] - 1.
    session : uint8, shape (n, features)
        Features of the sessions; unknown throughout where there is no candidate.
    target : int32, shape (n,)
        Which of the session's candidates is its target; -1: none.
    sessions : uint64, shape (n,)
        Hashes of profile and first play.
    kind : uint8, shape (n,)
        Index in `KINDS`.
    ts, known_ts, gap_ms : int64, shape (n,)
        As in `labels.Session`; a gap of -1: none.
    switched : bool, shape (n,)
    history, profile, account : int32, shape (n,)
        Earlier plays; index in `profiles` and `accounts`.
    profiles : uint64
        Hashes of the profiles' ids.
    accounts, log_hashes : str
        Names of the logs, and the SHA-256 of what is in them.
    catalog_hashes : str
        Of the catalogs.
    before_ts : int64, shape (accounts,)
        Sessions whose label became known then or later are left out (`cut.until`); -1: none are.
    show_names, session_names : str
    features_hash : str
    """

    show: Codes
    shows: Hashes
    bounds: NDArray[np.int64]
    session: Codes
    target: NDArray[np.int32]
    sessions: Hashes
    kind: Codes
    ts: NDArray[np.int64]
    known_ts: NDArray[np.int64]
    gap_ms: NDArray[np.int64]
    switched: NDArray[np.bool_]
    history: NDArray[np.int32]
    profile: NDArray[np.int32]
    account: NDArray[np.int32]
    profiles: Hashes
    accounts: NDArray[np.str_]
    log_hashes: NDArray[np.str_]
    catalog_hashes: NDArray[np.str_]
    before_ts: NDArray[np.int64]
    show_names: NDArray[np.str_]
    session_names: NDArray[np.str_]
    features_hash: NDArray[np.str_]


class Sample(NamedTuple):
    """What is taken at one opening; codes of shape (features, candidates) and (features,)."""

    session: Session
    log: int
    show_ids: list[str]
    show: NDArray[np.int64]
    codes: NDArray[np.int64]


def sample(opening: Opening, works: Mapping[str, bytes] = MappingProxyType({})) -> Sample:
    """Compute the features of an opening's candidates: all shows that belong in its row.

    Parameters
    ----------
    opening : Opening
    works : mapping of str to bytes, optional
        The catalog: what it says of each show.
    """
    session, state = opening.session, opening.state
    slot = find_device(state, session.device_id)
    found = candidates(state, WATCH_NEXT, works, slot)
    return Sample(session, opening.log, found.ids, *extract(state, session.device_id, found))


def extract(
    state: ProfileState, device_id: str, found: Candidates
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Compute the features of candidates and session, as they are served.

    Raises
    ------
    KeyError
        If the state does not know the device.
    """
    slot = find_device(state, device_id)
    if slot is None:
        raise KeyError(device_id)
    if not found.ids:
        return (
            np.empty((len(SHOW_FEATURES), 0), np.int64),
            np.full(len(SESSION_FEATURES), UNKNOWN, np.int64),
        )
    codes = feature_codes(state, slot, found)
    titles = len(SHOW_FEATURES) + len(SESSION_FEATURES)
    return codes[: len(SHOW_FEATURES)], codes[len(SHOW_FEATURES) : titles, 0]


def make_dataset(
    logs: Sequence[EventLog],
    *,
    works: Mapping[str, bytes] = MappingProxyType({}),
    catalogs: Sequence[Path] = (),
    progress: Callable[[int], None] | None = None,
) -> DataSet:
    """Replay logs and gather every scored session.

    Parameters
    ----------
    logs : sequence of EventLog
        One account each; profiles of the same id are one.
    works : mapping of str to bytes, optional
        The catalog, one for all logs: what it says of each show.
    catalogs : sequence of Path, optional
        The files that say so.
    progress : callable, optional
        Called with the number of records read so far; each is read twice.

    Returns
    -------
    DataSet

    Raises
    ------
    LogFormatError
        If a line of a recording is damaged.
    """
    samples = sorted(
        (sample(opening, works) for opening in openings(*logs, progress=progress)),
        key=lambda s: (s.session.known_ts, s.session.profile_id, s.session.ts),
    )
    sessions = [s.session for s in samples]
    profile_ids = dict.fromkeys(s.profile_id for s in sessions)
    profiles = {profile_id: number for number, profile_id in enumerate(profile_ids)}
    return DataSet(
        show=_stacked([s.show.T for s in samples], len(SHOW_FEATURES)),
        shows=_hashes(show_id for s in samples for show_id in s.show_ids),
        bounds=np.cumsum([0, *(len(s.show_ids) for s in samples)], dtype=np.int64),
        session=_stacked([s.codes[None] for s in samples], len(SESSION_FEATURES)),
        target=np.array([_place(s) for s in samples], np.int32),
        sessions=_hashes(f"{s.profile_id}/{s.first_play}" for s in sessions),
        kind=np.array([KINDS.index(s.kind) for s in sessions], np.uint8),
        ts=np.array([s.ts for s in sessions], np.int64),
        known_ts=np.array([s.known_ts for s in sessions], np.int64),
        gap_ms=np.array([ABSENT if s.gap_ms is None else s.gap_ms for s in sessions], np.int64),
        switched=np.array([s.switched for s in sessions], np.bool_),
        history=np.array([s.history for s in sessions], np.int32),
        profile=np.array([profiles[s.profile_id] for s in sessions], np.int32),
        account=np.array([s.log for s in samples], np.int32),
        profiles=_hashes(profiles),
        accounts=np.array(account_names([log.path for log in logs]), np.str_),
        log_hashes=np.array([content_hash(log.path) for log in logs], np.str_),
        catalog_hashes=np.array([content_hash(path) for path in catalogs], np.str_),
        before_ts=np.full(len(logs), ABSENT, np.int64),
        show_names=np.array([feature.name for feature in SHOW_FEATURES], np.str_),
        session_names=np.array([feature.name for feature in SESSION_FEATURES], np.str_),
        features_hash=np.array(features_hash(), np.str_),
    )


def account_names(paths: Sequence[Path]) -> list[str]:
    """Name each log after its file, without suffixes; a name that is taken gets a number."""
    names: list[str] = []
    for path in paths:
        name = path.name.removesuffix(".gz").removesuffix(".jsonl")
        numbered = (f"{name}~{number}" for number in count(2))
        names.append(next(n for n in chain([name], numbered) if n not in names))
    return names


def write_dataset(data: DataSet, file: BinaryIO) -> None:
    """Write a data set as npz, without pickle: the same data set, the same bytes."""
    arrays: dict[str, Any] = data._asdict()
    np.savez_compressed(file, allow_pickle=False, format=np.array(FORMAT), **arrays)


def read_dataset(path: Path) -> DataSet:
    """Read a data set.

    Raises
    ------
    DataSetError
        If the file is no data set of this version of the format.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            found = int(file["format"])
            if found != FORMAT:
                raise DataSetError(f"{path}: a data set of format {found}, wanted {FORMAT}")
            return DataSet(**{name: file[name] for name in DataSet._fields})
    except (ValueError, KeyError, EOFError, BadZipFile, TypeError) as error:
        raise DataSetError(f"{path}: no data set: {error}") from None


def _stacked(parts: list[NDArray[np.int64]], width: int) -> Codes:
    return np.concatenate([np.empty((0, width), np.int64), *parts]).astype(np.uint8)


def _place(taken: Sample) -> int:
    target = taken.session.target
    return taken.show_ids.index(target) if target in taken.show_ids else ABSENT


def _hashes(texts: Iterator[str] | dict[str, int]) -> Hashes:
    return np.array([hash64(text) for text in texts], np.uint64)
