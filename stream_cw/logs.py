"""How processes log: lines for people, or one line of JSON for each fact."""

import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

LogFormat = Literal["text", "json"]

TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


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


def set_up_logging(level: str, form: LogFormat, quiet: Iterable[str], quiet_level: str) -> None:
    """Log to standard error, whatever was set up before.

    Parameters
    ----------
    level : str
        Of our own loggers.
    form : {'text', 'json'}
    quiet : iterable of str
        Loggers of libraries.
    quiet_level : str
        Theirs.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else logging.Formatter(TEXT))
    logging.basicConfig(handlers=[handler], force=True)
    logging.getLogger("stream_cw").setLevel(level)
    for library in quiet:
        logging.getLogger(library).setLevel(quiet_level)
