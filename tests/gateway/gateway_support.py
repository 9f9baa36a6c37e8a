"""Run gateways as processes, and speak to them."""

import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from worker_support import wait_until

from stream_cw.broker.process import free_port
from stream_cw.gateway.tokens import mint

ISSUER = "https://login.test"
AUDIENCE = "stream-cw"
SECRET = secrets.token_hex(32)

RUN = (
    "from stream_cw.gateway.settings import load_gateway_settings; "
    "from stream_cw.gateway.run import run_gateway; "
    "raise SystemExit(run_gateway(load_gateway_settings()))"
)
SHARED = {"brokers", "topic_prefix", "app_id", "log_level"}


def a_token(*profiles: str, lifetime_s: float = 7_200.0, **given: Any) -> str:
    """A token that the gateways of these tests take."""
    claims: dict[str, Any] = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "profiles": profiles,
        "lifetime_s": lifetime_s,
        **given,
    }
    return mint(claims.pop("secret", SECRET), **claims)


def bearing(*profiles: str, **given: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {a_token(*profiles, **given)}"}


class GatewayProcess:
    """A gateway in a process of its own."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.port = int(settings["port"])
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = (folder / "log.txt").open("ab")
        environment = {key: v for key, v in os.environ.items() if not key.startswith("STREAM_CW_")}
        for name, value in settings.items():
            is_shared = name in SHARED or name.startswith("security_")
            stem = "STREAM_CW_" if is_shared else "STREAM_CW_GATEWAY_"
            environment[f"{stem}{name.upper()}"] = str(value)
        environment["TMPDIR"] = str(folder)
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN], env=environment, stdout=self._log, stderr=self._log
        )

    def log(self) -> str:
        return (self.folder / "log.txt").read_text(errors="replace")

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def wait_ready(self) -> "GatewayProcess":
        wait_until(self.is_ready, "the gateway is ready")
        return self

    def stop(self) -> None:
        """End it gracefully."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.log()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)
        self._log.close()


StartGateway = Callable[..., GatewayProcess]


@contextmanager
def gateways(root: Path, **common: Any) -> Iterator[StartGateway]:
    """Start gateways by name; whatever was started ends with the block."""
    started: list[GatewayProcess] = []

    def start(name: str = "gateway", **settings: Any) -> GatewayProcess:
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        known = {"issuer": ISSUER, "audience": AUDIENCE, "secret": SECRET, "port": free_port()}
        gateway = GatewayProcess(folder, {**known, **common, **settings})
        started.append(gateway)
        return gateway

    try:
        yield start
    finally:
        for gateway in started:
            gateway.close()


def device_path(profile: str, device: str) -> str:
    return f"/v1/profiles/{profile}/devices/{device}"


def an_event(
    number: int, profile: str = "ann", device: str = "tv", **fields: Any
) -> dict[str, Any]:
    """A stop of an episode, as a client sends it."""
    return {
        "type": "stop",
        "event_id": f"e{number}",
        "profile_id": profile,
        "device_id": device,
        "device_type": "tv",
        "ts": int(time.time() * 1000) - 60_000 + number,
        "title": {
            "kind": "episode",
            "id": f"t{number}",
            "series_id": f"s{number % 5}",
            "duration_ms": 2_700_000,
        },
        "position_ms": 600_000 + number,
        **fields,
    }


class Stream:
    """Server-sent events as they come, read in the test's own thread."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def next(self) -> dict[str, str]:
        """The next event: its fields; a comment alone is `{"": …}`."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if not line and fields:
                return fields
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
        assert not fields
        raise StopIteration

    def next_row(self) -> dict[str, Any]:
        """The next row; everything else but comments and the way to come back fails."""
        while True:
            fields = self.next()
            if fields.get("event") == "row":
                row = json.loads(fields["data"])
                assert fields["id"] == f"{version_name(row)}-{mark_of(fields['data'].encode())}"
                return row
            assert set(fields) in ({""}, {"retry"}), fields


def version_name(row: dict[str, Any]) -> str:
    version = row["version"]
    return f"{version['revision']}.{version['catalog']}.{version['model']}"


def mark_of(row: bytes) -> str:
    """What tells a row from one of the same version in a former life of its profile."""
    return hashlib.blake2b(row, digest_size=4).hexdigest()


@contextmanager
def streaming(
    client: httpx.Client, profile: str, device: str, seen: str | None = None, **given: Any
) -> Iterator[Stream]:
    headers = given.pop("headers", None) or bearing(profile)
    if seen is not None:
        headers = {**headers, "last-event-id": seen}
    path = device_path(profile, device) + "/rows"
    with client.stream("GET", path, headers=headers, timeout=30, **given) as response:
        assert response.status_code == 200, response.read()
        yield Stream(response)
