"""`GET …/row` and `…/row/why`, in process; the probes beside them."""

import json
from collections.abc import Iterator

import msgspec
import pytest
from gateway_support import bearing, device_path
from in_process import Asking
from served import FakeProgress, Record, a_row, a_tile, given_settings, parts_of

from stream_cw.core.rows import Version, encode_row
from stream_cw.gateway.app import Parts, build_app

ANN = bearing("ann")
ROW = device_path("ann", "tv") + "/row"
WHY = ROW + "/why"


@pytest.fixture
def parts() -> Iterator[Parts]:
    with parts_of(given_settings(cors_origins="")) as parts:
        yield parts


@pytest.fixture
def ask(parts: Parts) -> Iterator[Asking]:
    ask = Asking(build_app(parts))
    yield ask
    ask.close()


@pytest.fixture
def row(parts: Parts) -> bytes:
    tiles = [a_tile(0, 1), msgspec.structs.replace(a_tile(1, 1), reason="of_a_later_version")]
    row = encode_row(a_row(41, version=Version(41, 7, 2), tiles=tiles))
    parts.latest.accept(Record(b"ann/tv", row, [], 0, 0))
    return row


def test_the_newest_row_has_its_version_as_tag(ask, row) -> None:
    answer = ask("GET", ROW, headers=ANN)
    assert (answer.status, answer.body) == (200, row)
    assert answer.headers["etag"] == '"41.7.2"'
    assert answer.headers["cache-control"] == "private, no-cache"
    head = ask("HEAD", ROW, headers=ANN)
    assert head.status == 200


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        ('"41.7.2"', 304),
        ('W/"41.7.2"', 304),
        ('"40.7.2", "41.7.2"', 304),
        ("*", 304),
        ('"41.7.1"', 200),
        ('"141.7.2"', 200),
        ("41.7.2", 200),
        ("", 200),
    ],
)
def test_who_has_it_already_is_told_so(ask, row, tag: str, status: int) -> None:
    answer = ask("GET", ROW, headers={**ANN, "if-none-match": tag})
    assert answer.status == status
    assert answer.body == (b"" if status == 304 else row)
    assert answer.headers["etag"] == '"41.7.2"'


def test_a_device_without_a_row_is_404(ask, row) -> None:
    for path in (device_path("ann", "phone") + "/row", device_path("ann", "phone") + "/row/why"):
        answer = ask("GET", path, headers=ANN)
        assert (answer.status, answer.json()["reason"]) == (404, "no_row")


def test_why_tells_cause_and_reasons(ask, row) -> None:
    answer = ask("GET", WHY, headers=ANN)
    assert answer.status == 200
    told = answer.json()
    assert told["version"] == "41.7.2"
    assert told["cause"] == {"event_id": "e41", "type": "stop", "recorded": True}
    assert told["model"]["id"] == "recency"
    assert [(tile["reason"], tile["words"]) for tile in told["tiles"]] == [
        ("recently_watched", "you just watched this"),
        ("of_a_later_version", "of a later version"),
    ]
    wanted = [(tile["show_id"], tile["score"]) for tile in json.loads(row)["tiles"]]
    assert [(tile["show_id"], tile["score"]) for tile in told["tiles"]] == wanted


@pytest.mark.parametrize(
    ("version", "status"),
    [("41.7.2", 200), ("41.7.1", 410), ("40.9.9", 410), ("41.7.3", 404), ("42.0.0", 404)]
    + [(bad, 422) for bad in ("41", "41.7.2.1", "a.b.c", "")],
)
def test_why_keeps_the_newest_row_alone(ask, row, version: str, status: int) -> None:
    assert ask("GET", f"{WHY}?version={version}", headers=ANN).status == status


@pytest.mark.parametrize("path", [ROW, WHY])
def test_rows_are_for_those_who_may_see_them(ask, row, path: str) -> None:
    for headers, status in (({}, 401), (bearing("bob"), 403), (bearing(), 403)):
        answer = ask("GET", path, headers=headers)
        assert answer.status == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()) == {"status", "title", "detail", "reason"}
        assert answer.json()["status"] == status


def test_a_gateway_that_catches_up_does_not_say_that_there_is_no_row(row) -> None:
    progress = FakeProgress()
    progress.caught_up = False
    with parts_of(given_settings(), progress=progress) as parts:
        ask = Asking(build_app(parts))
        for path in (ROW, WHY):
            answer = ask("GET", path, headers=ANN)
            assert (answer.status, answer.json()["reason"]) == (503, "catching_up")
            assert int(answer.headers["retry-after"]) > 0
        assert ask("GET", "/readyz").status == 503
        assert ask("GET", "/healthz").status == 200
        progress.caught_up = True
        assert ask("GET", ROW, headers=ANN).status == 404
        assert ask("GET", "/readyz").status == 200
        ask.close()


def test_other_paths_and_methods_are_problems_too(ask) -> None:
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("GET", device_path("ann", "a/b") + "/row", 404),
        ("POST", ROW, 405),
        ("GET", "/v1/events", 405),
        ("DELETE", "/v1/events", 405),
    ):
        answer = ask(method, path, headers=ANN)
        assert answer.status == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["reason"] in {"no_such_path", "no_such_method"}


def test_metrics_are_counted_and_name_nobody(ask, row) -> None:
    ask("GET", ROW, headers=ANN)
    ask("GET", ROW, headers={})
    ask("GET", "/no/ann")
    ask("POST", "/v1/events", b"{}", ANN)
    answer = ask("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    told = answer.body.decode()
    for line in (
        'stream_cw_gateway_answers_total{status="200",way="row"} 1.0',
        'stream_cw_gateway_answers_total{status="401",way="row"} 1.0',
        'stream_cw_gateway_answers_total{status="404",way="other"} 1.0',
        'stream_cw_gateway_events_refused_total{reason="bad_field"} 1.0',
        "stream_cw_gateway_ready 1.0",
        "stream_cw_gateway_streams 0.0",
        "stream_cw_gateway_rows_behind 0.0",
    ):
        assert line in told.splitlines()
    assert "ann" not in told


def test_pages_of_other_origins_are_let_in_where_the_settings_name_them(ask, row) -> None:
    asking = {"origin": "https://tv.test", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in ask("GET", ROW, headers={**ANN, **asking}).headers
    assert ask("OPTIONS", "/v1/events", headers=asking).status == 405
    settings = given_settings(cors_origins="https://tv.test, https://phone.test")
    with parts_of(settings) as parts:
        open_ = Asking(build_app(parts))
        for origin, allowed in (("https://tv.test", True), ("https://evil.test", False)):
            headers = {**asking, "origin": origin}
            preflight = open_("OPTIONS", "/v1/events", headers=headers)
            assert (preflight.status == 200) is allowed
            answer = open_("GET", ROW, headers={**ANN, "origin": origin})
            assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
            assert "access-control-allow-credentials" not in answer.headers
        open_.close()


def test_a_fault_is_500_and_tells_nobody_what_was_asked(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        caught_up = True

        async def is_ready(self) -> bool:
            raise RuntimeError("the secret of ann")

    ask = Asking(build_app(msgspec.structs.replace(parts, progress=Broken())))
    answer = ask("GET", "/readyz")
    ask.close()
    assert (answer.status, answer.json()["reason"]) == (500, "fault")
    assert "RuntimeError at test_rows.py" in caplog.text
    assert "secret" not in caplog.text + answer.body.decode()
