"""What is handed in as a file is read no further than it may be long or deep."""

import gzip
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from served import served

from stream_cw.errors import InputError, LogFormatError, SettingsError, StreamCwError
from stream_cw.files import read_at_most
from stream_cw.gateway import keys as gateway_keys
from stream_cw.history import catalog_table
from stream_cw.history.catalog_file import read_lines as read_catalog_lines
from stream_cw.history.log import MAX_LINE_BYTES, EventLog
from stream_cw.model.artefact import MAX_ARTEFACT_BYTES
from stream_cw.model.chosen import artefact_of
from stream_cw.model.keys import MAX_KEY_BYTES, load_private, load_trusted
from stream_cw.operator_files import MAX_FILE_BYTES, choose_policy, read_experiment, read_placement

GIGABYTES = 4
MOST_OF_A_HEAD = 8_388_608


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 4 GB without a line's end, and nothing on the disk."""
    path = tmp_path_factory.mktemp("endless") / "endless"
    with path.open("wb") as file:
        file.truncate(GIGABYTES << 30)
    path.chmod(0o600)
    return path


def test_the_limit_of_a_small_file_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    assert read_at_most(path, 10) == b"x" * 10
    with pytest.raises(InputError, match="at most 9 bytes, found more"):
        read_at_most(path, 9)


@pytest.mark.parametrize(
    ("read", "limit"),
    [
        (read_placement, MAX_FILE_BYTES),
        (read_experiment, MAX_FILE_BYTES),
        (lambda path: choose_policy(str(path)), MAX_FILE_BYTES),
        (lambda path: artefact_of(str(path)), MAX_ARTEFACT_BYTES),
        (lambda path: load_trusted([path]), MAX_KEY_BYTES),
        (lambda path: gateway_keys.load_keys("EdDSA", None, path), gateway_keys.MAX_KEYS_BYTES),
        (lambda path: list(EventLog(path)), MAX_LINE_BYTES),
        (lambda path: list(read_catalog_lines(path)), MAX_LINE_BYTES),
        (lambda path: list(catalog_table.read_table(path)), catalog_table.MAX_LINE_LENGTH),
    ],
)
def test_of_an_endless_file_little_is_read(
    endless: Path, read: Callable[[Path], Any], limit: int
) -> None:
    with pytest.raises(StreamCwError, match=f"at most {limit} ") as refused:
        read(endless)
    assert isinstance(refused.value, InputError | SettingsError)


def test_of_an_endless_key_little_is_read(endless: Path) -> None:
    with pytest.raises(InputError, match="wanted an Ed25519 private key"):
        load_private(endless)


def test_the_limit_of_a_line_is_exact_and_holds_for_what_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"{}\n" + b"x" * (MAX_LINE_BYTES - 1) + b"\n")
    assert len(list(EventLog(path))) == 2
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"{}\n" + b"x" * MAX_LINE_BYTES + b"\n")
    with pytest.raises(LogFormatError, match="line 2: wanted at most"):
        list(EventLog(path))


@pytest.mark.parametrize(("name", "before"), [("deep.json", '{"base":'), ("deep.toml", "base = ")])
def test_a_deep_file_is_refused(tmp_path: Path, name: str, before: str) -> None:
    path = tmp_path / name
    depth = MAX_FILE_BYTES // 4
    path.write_text(before + "[" * depth + "]" * depth + "}" * (name == "deep.json"))
    with pytest.raises(InputError, match="nested too deep"):
        choose_policy(str(path))


def test_the_head_of_a_request_is_bounded() -> None:
    with served() as gateway:
        port = int(gateway.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n")
            sent = 0
            with suppress(ConnectionError):
                while sent < MOST_OF_A_HEAD and not select.select([client], [], [], 0)[0]:
                    sent += client.send(b"X-Filler: " + b"x" * 1_000 + b"\r\n")
            assert sent < MOST_OF_A_HEAD
            assert client.recv(1_000).startswith(b"HTTP/1.1 400 ")
