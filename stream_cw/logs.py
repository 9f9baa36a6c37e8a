"""How processes log: lines for people, or one line of JSON for each fact."""

import logging
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

LogFormat = Literal["text", "json"]

TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
AGAIN_SECONDS: Final = 10.0
"""While a broker is away libraries say so hundreds of times a second."""
MOST_REMEMBERED: Final = 1_000


class JsonFormatter(logging.Formatter):
    """One line of JSON: time, level, logger, message, and the facts that the record brings."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line.

        A record's facts are what `extra={"facts": {...}}` gave it; of an exception its kind and
        its text are told, not where it was raised.
        """
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            told["error"] = f"{record.exc_info[0].__name__}: {record.exc_info[1]}"
        return msgspec.json.encode(told, enc_hook=str).decode()


class Sparing(logging.Filter):
    """Lets a message of a library pass once in `AGAIN_SECONDS`, and tells how many it kept back.

    Parameters
    ----------
    libraries : iterable of str
        Names of their loggers; those below them count, too.
    now : callable
        A monotonic clock, in seconds.
    """

    def __init__(self, libraries: Iterable[str], now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._libraries = tuple(libraries)
        self._now = now
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record may pass."""
        if not any(f"{record.name}.".startswith(f"{name}.") for name in self._libraries):
            return True
        what = record.name, str(record.msg)[:200]
        at, kept_back = self._said.get(what, (-AGAIN_SECONDS, 0))
        if self._now() - at < AGAIN_SECONDS:
            self._said[what] = at, kept_back + 1
            return False
        if len(self._said) >= MOST_REMEMBERED:
            self._said.clear()
        self._said[what] = self._now(), 0
        if kept_back:
            record.msg = f"{record.msg} ({kept_back} more like it were left out)"
        return True


def set_up_logging(level: str, form: LogFormat, quiet: Iterable[str], quiet_level: str) -> None:
    """Log to standard error, whatever was set up before.

    Parameters
    ----------
    level : str
        Of our own loggers.
    form : {'text', 'json'}
    quiet : iterable of str
        Loggers of libraries; what they say again and again is said now and then.
    quiet_level : str
        Theirs.
    """
    libraries = list(quiet)
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Sparing(libraries))
    handler.setFormatter(JsonFormatter() if form == "json" else logging.Formatter(TEXT))
    logging.basicConfig(handlers=[handler], force=True)
    logging.getLogger("stream_cw").setLevel(level)
    for library in libraries:
        logging.getLogger(library).setLevel(quiet_level)
