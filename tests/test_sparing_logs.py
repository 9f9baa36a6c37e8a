"""What frameworks say again and again is said now and then."""

import logging

import pytest

from stream_cw.logs import AGAIN_SECONDS, Sparing


@pytest.fixture
def passed() -> tuple[logging.Handler, list[str], list[float]]:
    """A handler, what came through it, and its clock."""
    now, lines = [0.0], []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler = Kept()
    handler.addFilter(Sparing(["aiokafka"], lambda: now[0]))
    return handler, lines, now


def say(handler: logging.Handler, name: str, text: str, *given: object) -> None:
    handler.handle(logging.LogRecord(name, logging.ERROR, "", 0, text, given, None))


def test_a_message_comes_once_in_a_while_with_the_number_left_out(passed) -> None:
    handler, lines, now = passed
    for node in range(300):
        say(handler, "aiokafka.client", "no way to node %d", node)
    say(handler, "aiokafka.client", "another matter")
    assert lines == ["no way to node 0", "another matter"]
    now[0] += AGAIN_SECONDS
    say(handler, "aiokafka.client", "no way to node %d", 7)
    say(handler, "aiokafka.client", "another matter")
    assert lines[2:] == ["no way to node 7 (299 more like it were left out)", "another matter"]


def test_our_own_words_all_come(passed) -> None:
    handler, lines, _ = passed
    for name in ("stream_cw.worker", "aiokafkaesque", "root"):
        say(handler, name, "the same")
        say(handler, name, "the same")
    assert lines == ["the same"] * 6
