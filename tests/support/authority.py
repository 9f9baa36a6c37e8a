"""An authority that signs certificates for brokers and clients of a test, as PEM files."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)


class Files(NamedTuple):
    """A certificate and its private key."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; its own is at `certificate`."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        own = _certificate(self._name, self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        signed = own.sign(self._key, hashes.SHA256())
        self.certificate = folder / f"{name}.pem"
        self.certificate.write_bytes(signed.public_bytes(Encoding.PEM))

    def sign(self, name: str, host: str = "127.0.0.1", password: str | None = None) -> Files:
        """Make a key and a certificate of it, for who is called so and can be reached there."""
        key = ec.generate_private_key(ec.SECP256R1())
        reached = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        unsigned = _certificate(_named(name), self._name, key.public_key())
        signed = unsigned.add_extension(reached, critical=False).sign(self._key, hashes.SHA256())
        hidden = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        files = Files(self.folder / f"{name}.cert.pem", self.folder / f"{name}.key.pem")
        files.certificate.write_bytes(signed.public_bytes(Encoding.PEM))
        files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden))
        return files


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(hours=1))
        .not_valid_after(NOW + timedelta(days=1))
    )
