"""Title priors from sessions: fitted without the household whose sessions they are told to.

All that is known of a title is sums over profiles. Those of a household are taken away, and the
rest is fitted as the artefact's priors are fitted to all: nothing of a household, neither its
labels nor its part in a mean or in the strength of shrinkage, is in the codes that it is told.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.features import FEATURE_NAMES, PARTS, TITLE_FEATURES, UNKNOWN, octave
from stream_cw.core.priors import MAX_TITLES, Priors, title_hash
from stream_cw.model.additive import Examples, Floats, Ints

MIN_PROFILES: Final = 20
"""Fewest profiles that a title is told of. The service of the shared export allows five in an
account, so no fewer than four households stand behind what a shipped artefact says of a title; and
from fewer there would be little to tell, the rates being shrunk to the mean.
"""

_COUNT: Final = len(TITLE_FEATURES)
_TITLE: Final = FEATURE_NAMES.index(TITLE_FEATURES[0].name)
_POSITION: Final = FEATURE_NAMES.index("position")
_THOUSAND: Final = 1000

Hashes = NDArray[np.uint64]


class _Rate(NamedTuple):
    """A quotient for each of t titles, as sums over profiles; int64, shape (t,).

    Attributes
    ----------
    part, whole : ndarray
        Sums of what is divided, and of what it is divided by.
    part_part, part_whole, whole_whole : ndarray
        Sums of their squares and of their product.
    """

    part: Ints
    whole: Ints
    part_part: Ints
    part_whole: Ints
    whole_whole: Ints


class _Sums(NamedTuple):
    """What some profiles tell of t titles.

    Attributes
    ----------
    profiles : int
        How many they are.
    having : ndarray of int64, shape (t,)
        How many of them had the title among their candidates.
    resumed : _Rate
        Sessions that went on with the title, of those that could.
    stopped : _Rate
        Code of the position at which a profile left the title, each profile once.
    """

    profiles: int
    having: Ints
    resumed: _Rate
    stopped: _Rate

    def without(self, other: "_Sums") -> "_Sums":
        """Take the sums of some of the profiles away: exact, all is whole numbers."""
        return _Sums(
            self.profiles - other.profiles,
            self.having - other.having,
            _Rate(*(mine - its for mine, its in zip(self.resumed, other.resumed, strict=True))),
            _Rate(*(mine - its for mine, its in zip(self.stopped, other.stopped, strict=True))),
        )


class _Cells(NamedTuple):
    """Pairs of a profile and a title that was once among its candidates, c of them.

    Attributes
    ----------
    titles : ndarray of uint64, shape (t,)
        Hashes of the titles, ascending.
    title, profile, household : ndarray of int64, shape (c,)
        Which title, profile and household; ordered by household.
    able, resumed : ndarray of int64, shape (c,)
        Sessions in which it was a candidate, and was gone on with.
    left_at : ndarray of int64, shape (c,)
        Code of its position in the last of them.
    """

    titles: Hashes
    title: Ints
    profile: Ints
    household: Ints
    able: Ints
    resumed: Ints
    left_at: Ints

    def where(self, kept: "slice | NDArray[np.bool_]") -> "_Cells":
        return _Cells(self.titles, *(column[kept] for column in self[1:]))


def _cells(source: Examples) -> _Cells:
    session = source.session_of
    told = source.household[session] >= 0
    session = session[told]
    titles, title = np.unique(source.shows[told], return_inverse=True)
    profiles, profile = np.unique(source.group[session], return_inverse=True)
    chosen = np.zeros(len(told), np.int64)
    went_on = source.continued & (source.target >= 0)
    chosen[(source.bounds[:-1] + source.target)[went_on]] = 1
    cell = profile * len(titles) + title
    # Sessions are in order of time, so that the first from behind is the last.
    found, behind, at = np.unique(cell[::-1], return_index=True, return_inverse=True)
    last = len(cell) - 1 - behind
    cells = _Cells(
        titles=titles,
        title=found % max(1, len(titles)),
        profile=profiles[found // max(1, len(titles))],
        household=source.household[session[last]],
        able=np.bincount(at, minlength=len(found)),
        resumed=np.bincount(at, chosen[told][::-1], minlength=len(found)).astype(np.int64),
        left_at=source.codes[_POSITION, told][last].astype(np.int64),
    )
    return cells.where(np.argsort(cells.household, kind="stable"))  # type: ignore[arg-type]


def _sums(cells: _Cells) -> _Sums:
    def added(values: Ints) -> Ints:
        # Of whole numbers far below 2^53, so that no bit of a sum is lost.
        return np.bincount(cells.title, values, len(cells.titles)).astype(np.int64)

    def rate(part: Ints, whole: Ints) -> _Rate:
        terms = (part, whole, part * part, part * whole, whole * whole)
        return _Rate(*map(added, terms))

    once = np.ones(len(cells.title), np.int64)
    return _Sums(
        len(np.unique(cells.profile)),
        added(once),
        rate(cells.resumed, cells.able),
        rate(cells.left_at, once),
    )


def _shrunk(rate: _Rate, having: Ints) -> tuple[Floats, float]:
    """Shrink the rates of titles to their mean, by what the data say of how far titles differ.

    Each becomes (part + k * mean) / (whole + k). The variance between titles, and that within one,
    are those of an analysis of variance by moments, k is the second over the first: DerSimonian and
    Laird, *Meta-analysis in clinical trials* (1986); within a title profiles are what varies, not
    sessions, because a profile's sessions are alike.

    Returns
    -------
    rates : ndarray of float64, shape (t,)
    mean : float
    """
    part, whole = rate.part.astype(np.float64), rate.whole.astype(np.float64)
    total = float(whole.sum())
    own, mean = part / whole, float(part.sum()) / total
    errors = rate.part_part - 2 * own * rate.part_whole + own**2 * rate.whole_whole
    within = float((errors * having / (having - 1)).sum()) / total
    spread = float((whole * (own - mean) ** 2).sum()) - (len(own) - 1) * within
    between = spread / (total - float((whole**2).sum()) / total) if len(own) > 1 else 0.0
    if between <= 0:
        return np.full(len(own), mean), mean
    return (between * part + within * mean) / (between * whole + within), mean


def _codes(sums: _Sums) -> NDArray[np.uint8]:
    """Code the titles; shape (3, t)."""
    codes = np.full((_COUNT, len(sums.having)), UNKNOWN, np.uint8)
    carried = np.flatnonzero(sums.having >= MIN_PROFILES)
    carried = carried[np.argsort(-sums.having[carried], kind="stable")[:MAX_TITLES]]
    if not len(carried):
        return codes
    having = sums.having[carried]
    resumed, mean = _shrunk(_Rate(*(each[carried] for each in sums.resumed)), having)
    left_at, _ = _shrunk(_Rate(*(each[carried] for each in sums.stopped)), having)
    lift = resumed / mean if mean > 0 else np.ones(len(resumed))
    popularity = (_THOUSAND * having // sums.profiles).tolist()
    codes[0, carried] = [octave(each) for each in popularity]
    codes[1, carried] = np.minimum(np.round(PARTS * lift), UNKNOWN - 1)
    codes[2, carried] = np.minimum(np.round(left_at), UNKNOWN - 1)
    return codes


def fit_priors(source: Examples) -> Priors:
    """Fit what an artefact carries of titles.

    Parameters
    ----------
    source : Examples
        Sessions without a household are not looked at.

    Returns
    -------
    Priors
        Of titles that at least `MIN_PROFILES` profiles had among their candidates.
    """
    cells = _cells(source)
    codes = _codes(_sums(cells))
    known = np.flatnonzero(codes[0] != UNKNOWN)
    names = map(title_hash, cells.titles[known].tolist())
    return Priors(dict(zip(names, map(tuple, codes[:, known].T.tolist()), strict=True)))


def with_priors(examples: Examples, source: Examples) -> Examples:
    """Tell sessions what others know of their titles.

    Parameters
    ----------
    examples : Examples
    source : Examples
        What may be fitted on. Of these, each household of `examples` is left out for its own
        sessions.

    Returns
    -------
    told : Examples
        With the codes of title features filled in.
    """
    cells = _cells(source)
    of_all = _sums(cells)
    if of_all.having.max(initial=0) < MIN_PROFILES:
        return _told(examples, np.full((_COUNT, len(examples.shows)), UNKNOWN, np.uint8))
    place = np.searchsorted(cells.titles, examples.shows)
    place[cells.titles[np.minimum(place, len(cells.titles) - 1)] != examples.shows] = -1
    codes = _with_unknown(_codes(of_all))[:, place]
    household = examples.household[examples.session_of]
    order = np.argsort(household, kind="stable")
    told = dict(_parts(household[order]))
    for name, mine in _parts(cells.household):
        if name in told:
            own = order[told[name]]
            others = of_all.without(_sums(cells.where(mine)))
            codes[:, own] = _with_unknown(_codes(others))[:, place[own]]
    return _told(examples, codes)


def _told(examples: Examples, codes: NDArray[np.uint8]) -> Examples:
    return examples._replace(
        codes=np.concatenate([examples.codes[:_TITLE], codes, examples.codes[_TITLE + _COUNT :]])
    )


def _with_unknown(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Add a last title: the one that is not known."""
    return np.pad(codes, ((0, 0), (0, 1)), constant_values=UNKNOWN)


def _parts(ordered: Ints) -> Iterator[tuple[int, slice]]:
    """Name each value of an ordered array, and say where it stands."""
    names, starts = np.unique(ordered, return_index=True)
    ends = np.append(starts, len(ordered))[1:]
    for name, start, end in zip(names.tolist(), starts.tolist(), ends.tolist(), strict=True):
        yield name, slice(start, end)
