"""Lines that programs read."""

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime

from stream_cw.logs import JsonFormatter


def line_of(record: logging.LogRecord) -> dict[str, object]:
    line = JsonFormatter().format(record)
    assert "\n" not in line
    return json.loads(line)


def test_a_fact_is_one_line_of_json() -> None:
    record = logging.LogRecord(
        "stream_cw.worker", logging.INFO, "", 0, "read %d\n%s", (3, "“x”"), None
    )
    record.facts = {"counts": {"events": 3}}
    told = line_of(record)
    assert datetime.fromisoformat(str(told.pop("time"))) == datetime.fromtimestamp(
        int(record.created * 1000) / 1000, UTC
    )
    assert told == {
        "level": "INFO",
        "logger": "stream_cw.worker",
        "message": "read 3\n“x”",
        "counts": {"events": 3},
    }


def test_an_exception_is_told_in_the_same_line() -> None:
    try:
        raise ValueError("no\nnumber")
    except ValueError:
        found = sys.exc_info()
    told = line_of(logging.LogRecord("a", logging.ERROR, "", 0, "failed", (), found))
    assert told["error"] == "ValueError: no\nnumber"


def test_a_process_logs_as_it_was_told() -> None:
    code = (
        "import logging; from stream_cw.logs import set_up_logging;"
        "set_up_logging('INFO', 'json', ['aiokafka'], 'ERROR');"
        "logging.getLogger('aiokafka.x').warning('left out');"
        "logging.getLogger('stream_cw.x').debug('left out');"
        "logging.getLogger('stream_cw.x').info('kept')"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert [json.loads(line)["message"] for line in found.stderr.splitlines()] == ["kept"]
