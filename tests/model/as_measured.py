"""Labels beside an older measurement of the same sessions."""

from collections import Counter
from pathlib import Path

from stream_cw.history.log import EventLog
from stream_cw.history.simulator import marginals
from stream_cw.model.labels import Session, sessions


def counted(found: list[Session]) -> Counter[str]:
    """Count as `marginals` does: without the first session of a profile."""
    counts = Counter(s.kind for s in found if s.gap_ms is not None)
    counts["switched"] = sum(s.switched for s in found)
    return counts


def assert_as_measured(log: Path) -> list[Session]:
    found = list(sessions(EventLog(log)))
    with log.open("rb") as lines:
        measured = marginals(lines, warm_up_days=0)
    counts = counted(found)
    for name, kind in (("returns", "continuation"), ("older", "older"), ("switched", "switched")):
        assert round(measured[name].share * measured[name].sessions) == counts[kind], name
    assert measured["returns"].sessions == sum(s.gap_ms is not None for s in found)
    return found
