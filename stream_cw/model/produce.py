"""From data sets to the bytes of a model that may be published."""

from collections.abc import Callable
from hashlib import sha256

from stream_cw import __version__
from stream_cw.core.features import FEATURE_NAMES, features_hash
from stream_cw.core.model import MICRO
from stream_cw.errors import InputError
from stream_cw.model.artefact import encode_payload
from stream_cw.model.dataset import DataSet
from stream_cw.model.heldout import held_out, join
from stream_cw.model.manifest import Calibration, Manifest, Metric
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
        If there are too few profiles to leave one out, or too few sessions.
    """
    if len(data.profiles) < _FEWEST_PROFILES:
        raise InputError(
            f"training wants logs of {_FEWEST_PROFILES} profiles or more, to leave each out in "
            f"turn; found {len(data.profiles)}"
        )
    settings = Settings()
    judged = examples_of(data)
    more = None if added is None else added_to(data, added, share)
    progress("profiles left out in turn")
    found = held_out(settings.ranking, judged, more)
    model, calibration = train(join(judged, more), settings, progress=progress)
    sources = [_source(data, 1.0), *([_source(added, share)] if added is not None else [])]
    hashes = [*data.log_hashes.tolist(), *(added.log_hashes.tolist() if added is not None else [])]
    manifest = Manifest(
        id=name,
        created_ts=int(data.known_ts.max()),
        feature_names=FEATURE_NAMES,
        features_hash=features_hash(),
        data_hash=sha256("\n".join(hashes).encode()).hexdigest(),
        code_version=__version__,
        created_from=tuple(sources),
        calibration=Calibration(**calibration),
        metrics=(
            Metric("left out: continuation sessions (count)", found.sessions),
            Metric("left out: P@1", round(found.p_at_1 * MICRO)),
            Metric("left out: P@1 of recency", round(found.recency * MICRO)),
        ),
        title_priors=len(model.priors.titles),
    )
    told = (
        f"{found.sessions:,} continuations of profiles left out in turn: P@1 {found.p_at_1:.4f}, "
        f"recency {found.recency:.4f}, {100 * (found.p_at_1 - found.recency):+.2f} points"
    )
    return encode_payload(manifest, model), told


def _source(data: DataSet, weight: float) -> str:
    return f"{len(data.target)} sessions of {len(data.profiles)} profiles, weight {weight:g}"
