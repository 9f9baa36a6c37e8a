"""Calibration: from a raw number to a likelihood, as a step function of whole numbers."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from stream_cw.core.model import MICRO, Curve

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Calibrator = Callable[[Floats, NDArray[np.bool_], Floats], Callable[[Floats], Floats]]

STEPS: Final = 512


def as_fitted(_: Floats, __: NDArray[np.bool_], ___: Floats) -> Callable[[Floats], Floats]:
    """Take log-odds at their word: those of a model that was itself fitted to likelihoods."""
    return lambda at: 0.5 * (1 + np.tanh(at / MICRO / 2))


def platt(raw: Floats, happened: NDArray[np.bool_], weight: Floats) -> Callable[[Floats], Floats]:
    """Fit a logistic curve (Platt, 1999); one that would fall is level, as an isotonic one is.

    Parameters
    ----------
    raw : ndarray of float64
        Log-odds in micro-units, from models that had not seen the profile.
    happened : ndarray of bool
    weight : ndarray of float64

    Returns
    -------
    callable
        From log-odds to likelihoods.
    """
    scale = max(1.0, float(np.abs(raw).max()))
    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(
        raw[:, None] / scale, happened, sample_weight=weight
    )
    if fitted.coef_[0, 0] < 0:
        mean = float(np.average(happened, weights=weight))
        return lambda at: np.full(len(at), mean)

    def read(at: Floats) -> Floats:
        likelihood: Floats = fitted.predict_proba(at[:, None] / scale)[:, 1]
        return likelihood

    return read


def isotonic(
    raw: Floats, happened: NDArray[np.bool_], weight: Floats
) -> Callable[[Floats], Floats]:
    """Fit the monotone curve nearest to what happened (Zadrozny and Elkan, 2002); see `platt`."""
    fitted = IsotonicRegression(out_of_bounds="clip", y_min=0.001, y_max=0.999)
    fitted.fit(raw, happened, sample_weight=weight)

    def read(at: Floats) -> Floats:
        likelihood: Floats = fitted.predict(at)
        return likelihood

    return read


CALIBRATORS: Final[dict[str, Calibrator]] = {
    "platt": platt,
    "isotonic": isotonic,
    "as fitted": as_fitted,
}


def choose(raw: Floats, happened: NDArray[np.bool_], weight: Floats, group: Ints) -> str:
    """Name the calibrator whose Brier score is least on profiles left out in turn."""
    losses = {}
    for name, calibrate in CALIBRATORS.items():
        loss = 0.0
        for left_out in np.unique(group):
            kept = group != left_out
            read = calibrate(raw[kept], happened[kept], weight[kept])
            error = (read(raw[~kept]) - happened[~kept]) ** 2
            loss += float((weight[~kept] * error).sum())
        losses[name] = loss
    return min(losses, key=lambda name: losses[name])


def curve(read: Callable[[Ints], Floats], raw: Ints) -> Curve:
    """Lay what reads raw numbers out as a step function over the range of those at hand."""
    low, high = (int(x) for x in np.quantile(raw, [0.001, 0.999]))
    width = max(1, (high - low) // STEPS)
    middles: Any = low + width * np.arange(STEPS) + width // 2
    values = np.round(read(middles) * MICRO).astype(np.int64)
    return Curve(low, width, tuple(values.tolist()))


def log_odds_of(hazards: Ints) -> Floats:
    """Tell the log-odds that something happens of sums of hazards, both in micro-units."""
    total = np.maximum(hazards, 1) / MICRO
    log_odds: Floats = MICRO * (total + np.log(-np.expm1(-total)))
    return log_odds


def hazard_curve() -> Curve:
    """-ln(1 - p) of log-odds, both in micro-units, from -16 to 16 in steps of 1/32."""
    width = MICRO // 32
    log_odds = (np.arange(32 * 32) + 0.5) / 32 - 16
    values = np.round(np.logaddexp(0, log_odds) * MICRO).astype(np.int64)
    return Curve(-16 * MICRO, width, tuple(values.tolist()))
