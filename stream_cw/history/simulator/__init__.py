"""Simulated members: an event log with its catalog, and the truth behind it."""

from stream_cw.history.simulator.demo import demo_log
from stream_cw.history.simulator.marginals import WANTED, Marginal, marginals, table
from stream_cw.history.simulator.run import START_TS, SimulationReport, simulate
from stream_cw.history.simulator.truth import (
    AbandonedTruth,
    FinishedTruth,
    PlaybackTruth,
    SessionTruth,
    Truth,
    read_truth,
)

__all__ = [
    "START_TS",
    "SimulationReport",
    "simulate",
    "demo_log",
    "WANTED",
    "Marginal",
    "marginals",
    "table",
    "Truth",
    "SessionTruth",
    "PlaybackTruth",
    "AbandonedTruth",
    "FinishedTruth",
    "read_truth",
]
