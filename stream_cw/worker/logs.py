"""What a worker logs, and how much of what its frameworks say."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Final

FRAMEWORKS: Final = ("faust", "mode", "aiokafka")
AGAIN_SECONDS: Final = 10.0
"""While a broker is away aiokafka says so hundreds of times a second."""
_OWN_SERVICES: Final = tuple(f"stream_cw.worker.{name}" for name in ("app", "transport", "store"))
"""Faust's services log under the names of the modules that subclass them."""


class Sparing(logging.Filter):
    """Lets a message of a framework pass once in `AGAIN_SECONDS`, and tells how many it kept back.

    Parameters
    ----------
    now : callable
        A monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record may pass."""
        if record.name.partition(".")[0] not in FRAMEWORKS:
            return True
        what = record.name, str(record.msg)
        at, kept_back = self._said.get(what, (-AGAIN_SECONDS, 0))
        if self._now() - at < AGAIN_SECONDS:
            self._said[what] = at, kept_back + 1
            return False
        self._said[what] = self._now(), 0
        if kept_back:
            record.msg = f"{record.msg} ({kept_back} more like it were left out)"
        return True


def set_up_logging(level: str) -> None:
    """Log to standard error, a line each; frameworks below ERROR at level DEBUG alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Sparing())
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(handlers=[handler], format=form, force=True)
    logging.getLogger("stream_cw").setLevel(level)
    for name in (*FRAMEWORKS, *_OWN_SERVICES):
        logging.getLogger(name).setLevel(logging.DEBUG if level == "DEBUG" else logging.ERROR)
