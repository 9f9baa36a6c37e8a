"""Who shows a wrong password, or meets a broker that nobody vouches for, ends and says so."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from authority import Authority
from gateway_support import AUDIENCE, ISSUER, SECRET
from secured_kafka import SecuredKafka

pytestmark = pytest.mark.kafka

WRONG = "a-wrong-password-that-nobody-may-see"
DEADLINE_SECONDS = 120.0
"""Clients of Kafka try again for ever where nobody stops them."""
GATEWAY = {
    "STREAM_CW_GATEWAY_ISSUER": ISSUER,
    "STREAM_CW_GATEWAY_AUDIENCE": AUDIENCE,
    "STREAM_CW_GATEWAY_SECRET": SECRET,
    "STREAM_CW_GATEWAY_PORT": "0",
}
Fault = Callable[[SecuredKafka, Path], dict[str, str]]


def wrong_password(cluster: SecuredKafka, folder: Path) -> dict[str, str]:
    return {**cluster.as_user("worker"), "STREAM_CW_SECURITY_PASSWORD": WRONG}


def untrusted_broker(cluster: SecuredKafka, folder: Path) -> dict[str, str]:
    other = Authority(folder, "other")
    trusted = {"STREAM_CW_SECURITY_CA_FILE": str(other.certificate)}
    return {**cluster.as_user("worker"), **trusted}


def untrusted_client(cluster: SecuredKafka, folder: Path) -> dict[str, str]:
    files = Authority(folder, "other").sign("worker")
    return {
        **cluster.as_root(),
        "STREAM_CW_SECURITY_CERTIFICATE_FILE": str(files.certificate),
        "STREAM_CW_SECURITY_KEY_FILE": str(files.key),
    }


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (wrong_password, "SASL authentication error"),
        (untrusted_broker, "certificate verify failed"),
        (untrusted_client, "bad certificate"),
    ],
)
@pytest.mark.parametrize("program", ["worker", "gateway", "tail"])
def test_a_program_that_is_refused_ends_with_one_line(
    cluster: SecuredKafka, tmp_path: Path, program: str, fault: Fault, said: str
) -> None:
    environment = fault(cluster, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "stream_cw.cli", program],
        env={"STREAM_CW_DATA_DIR": str(tmp_path / "data"), **GATEWAY, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert done.stdout.count("\n") == 1, done.stdout
    assert said in done.stdout
    assert environment["STREAM_CW_BROKERS"] in done.stdout
    for secret in (WRONG, SECRET, environment.get("STREAM_CW_SECURITY_PASSWORD")):
        assert secret is None or secret not in done.stdout
