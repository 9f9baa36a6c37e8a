"""A scorer that orders rows by the very bytes of the catalog, and a worker that uses it."""

from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np

from stream_cw.config import load_settings
from stream_cw.core.candidates import Candidates
from stream_cw.core.placement import resume_share
from stream_cw.core.row import View
from stream_cw.core.rows import ModelRef
from stream_cw.core.scoring import RECENTLY_WATCHED, Ranking
from stream_cw.core.state import ProfileState
from stream_cw.worker import run

CODE: Final = (
    f"import sys; sys.path.append({str(Path(__file__).parent)!r}); "
    "import works_scorer; raise SystemExit(works_scorer.main())"
)
"""What a worker's process runs."""


class ByWorks:
    """A row of another catalog has other scores, wherever one of its shows differs."""

    ref: Final = ModelRef("by-works", None)

    def rank(self, state: ProfileState, slot: int, found: Candidates) -> Ranking:  # noqa: ARG002
        scores = np.array([crc32(work) for work in found.works.parts], np.int64)
        reasons = [RECENTLY_WATCHED] * len(scores)
        return Ranking(scores, reasons, resume_share(state), "resume_share")


def main() -> int:
    run.initial_view = lambda _settings: View(scorer=ByWorks())
    return run.run_worker(load_settings())
