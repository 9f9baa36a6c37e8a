"""Apache Kafka that asks who is there: SCRAM on one listener, certificates on another, and ACLs."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from authority import Authority
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from stream_cw.broker.connection import Connection, for_librdkafka
from stream_cw.broker.kafka import kafka_broker
from stream_cw.broker.process import HOST, free_port

ROOT = "root"
"""Whose certificate may do everything: the broker's own, too."""
ITERATIONS = 4_096
"""Kafka's least."""


class SecuredKafka:
    """A broker, whom it trusts, and the passwords of its users."""

    def __init__(self, folder: Path, authority: Authority, scram: str, mutual: str) -> None:
        self.folder = folder
        self.authority = authority
        self.scram = scram
        self.mutual = mutual
        self.passwords: dict[str, str] = {}
        files = authority.sign(ROOT)
        self.root = Connection(
            addresses=mutual,
            protocol="SSL",
            ca_file=authority.certificate,
            certificate_file=files.certificate,
            key_file=files.key,
        )

    def add_user(self, name: str) -> None:
        """Give a user a password."""
        password = self.passwords[name] = secrets.token_urlsafe(24)
        given = UserScramCredentialUpsertion(
            name,
            ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS),
            password.encode(),
        )
        admin = AdminClient(for_librdkafka(self.root))
        for answer in admin.alter_user_scram_credentials([given], request_timeout=20).values():
            answer.result()

    def as_user(self, name: str, **other: object) -> dict[str, str]:
        """The environment of a program that shows a user's password."""
        return environment(
            protocol="SASL_SSL",
            ca_file=self.authority.certificate,
            username=name,
            password=self.passwords[name],
            **other,
        ) | {"STREAM_CW_BROKERS": self.scram}

    def as_holder(self, name: str) -> dict[str, str]:
        """The environment of a program that shows a certificate, its key under a password."""
        secret = secrets.token_urlsafe(24)
        files = self.authority.sign(name, password=secret)
        password_file = self.folder / f"{name}.password"
        password_file.write_text(secret + "\n")
        return environment(
            protocol="SSL",
            ca_file=self.authority.certificate,
            certificate_file=files.certificate,
            key_file=files.key,
            key_password_file=password_file,
        ) | {"STREAM_CW_BROKERS": self.mutual}

    def as_root(self) -> dict[str, str]:
        """The environment of a program that may do everything."""
        return environment(
            protocol="SSL",
            ca_file=self.root.ca_file,
            certificate_file=self.root.certificate_file,
            key_file=self.root.key_file,
        ) | {"STREAM_CW_BROKERS": self.mutual}


def environment(**settings: object) -> dict[str, str]:
    """Security settings as environment variables; one that is None is left out."""
    return {
        f"STREAM_CW_SECURITY_{name.upper()}": str(value)
        for name, value in settings.items()
        if value is not None
    }


@contextmanager
def secured_kafka(folder: Path) -> Iterator[SecuredKafka]:
    """Run a broker that lets nobody do anything who was not allowed to."""
    authority = Authority(folder / "certificates")
    store = folder / "broker.pem"
    files = authority.sign(ROOT)
    store.write_bytes(files.key.read_bytes() + files.certificate.read_bytes())
    ports = _free_ports(4)
    with kafka_broker(
        folder / "kafka", port=ports[0], settings=_properties(ports, store, authority)
    ):
        scram, mutual = (f"{HOST}:{port}" for port in ports[1:3])
        yield SecuredKafka(folder, authority, scram, mutual)


def _properties(ports: list[int], store: Path, authority: Authority) -> dict[str, str]:
    # PLAINTEXT is where the starter of brokers knocks: it may do nothing there.
    names = ("PLAINTEXT", "SASL_SSL", "SSL", "CONTROLLER")
    listeners = [f"{name}://{HOST}:{port}" for name, port in zip(names, ports, strict=True)]
    module = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    return {
        "listeners": ",".join(listeners),
        "advertised.listeners": ",".join(listeners[:3]),
        "controller.quorum.voters": f"1@{HOST}:{ports[3]}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,"
        "CONTROLLER:SSL",
        "inter.broker.listener.name": "SSL",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.certificate),
        "listener.name.ssl.ssl.client.auth": "required",
        "listener.name.controller.ssl.client.auth": "required",
        "ssl.principal.mapping.rules": "RULE:^CN=([a-z-]+)$/$1/",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": module,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ROOT}",
        "allow.everyone.if.no.acl.found": "false",
    }


def _free_ports(count: int) -> list[int]:
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)
