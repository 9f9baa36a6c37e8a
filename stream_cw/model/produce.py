"""From data sets to the bytes of a model that may be published."""

from collections.abc import Callable, Iterator
from hashlib import sha256

import numpy as np

from stream_cw import __version__
from stream_cw.core.features import FEATURE_NAMES, features_hash
from stream_cw.core.model import MICRO
from stream_cw.errors import InputError
from stream_cw.model.artefact import encode_payload
from stream_cw.model.dataset import ABSENT, DataSet
from stream_cw.model.heldout import held_out, join
from stream_cw.model.manifest import MOST_LOGS, Calibration, LogUse, Manifest, Metric
from stream_cw.model.settings import Settings
from stream_cw.model.training import added_to, examples_of, train

_FEWEST_PROFILES = 2


def produce(
    data: DataSet,
    added: DataSet | None,
    share: float,
    name: str,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[bytes, str]:
    """Fit a model and write it with its manifest; the same data, the same bytes.

    Parameters
    ----------
    data : DataSet
        Of two profiles or more.
    added : DataSet or None
        Sessions to add, such as simulated ones.
    share : float
        Their weight together, as a part of the weight of `data`.
    name : str
        How rows name the model.
    progress : callable, optional
        Called with what is being done.

    Returns
    -------
    payload : bytes
    told : str
        What it comes to on profiles left out in turn.

    Raises
    ------
    InputError
        If there are too few profiles to leave one out, too few sessions, or too many logs.
    """
    if (profiles := len(np.unique(data.profile))) < _FEWEST_PROFILES:
        raise InputError(
            f"training wants logs of {_FEWEST_PROFILES} profiles or more, to leave each out in "
            f"turn; found {profiles}"
        )
    parts = [data] if added is None else [data, added]
    logs = [use for part in parts for use in _uses(part)]
    if len(logs) > MOST_LOGS:
        raise InputError(
            f"training wants {MOST_LOGS:,} logs at most, found {len(logs):,}: join some"
        )
    settings = Settings()
    judged = examples_of(data)
    more = None if added is None else added_to(data, added, share)
    progress("profiles left out in turn")
    found = held_out(settings.ranking, judged, more)
    model, calibration = train(join(judged, more), settings, progress=progress)
    sources = [_source(data, 1.0), *([_source(added, share)] if added is not None else [])]
    manifest = Manifest(
        id=name,
        created_ts=int(data.known_ts.max()),
        feature_names=FEATURE_NAMES,
        features_hash=features_hash(),
        data_hash=sha256("\n".join(use.sha256 for use in logs).encode()).hexdigest(),
        code_version=__version__,
        created_from=tuple(sources),
        calibration=Calibration(**calibration),
        metrics=(
            Metric("left out: continuation sessions (count)", found.sessions),
            Metric("left out: P@1", round(found.p_at_1 * MICRO)),
            Metric("left out: P@1 of recency", round(found.recency * MICRO)),
        ),
        title_priors=len(model.priors.titles),
        logs=tuple(logs),
        catalogs=tuple(dict.fromkeys(c for part in parts for c in part.catalog_hashes.tolist())),
    )
    told = (
        f"{found.sessions:,} continuations of profiles left out in turn: P@1 {found.p_at_1:.4f}, "
        f"recency {found.recency:.4f}, {100 * (found.p_at_1 - found.recency):+.2f} points"
    )
    return encode_payload(manifest, model), told


def _uses(data: DataSet) -> Iterator[LogUse]:
    for log, before_ts in zip(data.log_hashes.tolist(), data.before_ts.tolist(), strict=True):
        yield LogUse(log, None if before_ts == ABSENT else before_ts)


def _source(data: DataSet, weight: float) -> str:
    profiles = len(np.unique(data.profile))
    return f"{len(data.target)} sessions of {profiles} profiles, weight {weight:g}"
