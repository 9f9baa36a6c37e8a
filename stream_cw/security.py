"""How brokers are spoken to: settings from the environment as `STREAM_CW_SECURITY_…`.

Worker, gateway and tools share them. No command has an option for a secret: options are seen by
everybody who lists the processes of a machine.
"""

import ssl
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from stream_cw.broker.connection import Connection, Mechanism, Protocol, ssl_context
from stream_cw.config import read_settings, variable
from stream_cw.errors import SettingsError

MAX_SECRET_BYTES: Final = 1_024
"""Of a file with a password: a file that is meant for something else is told from it."""
_FILES: Final = ("ca_file", "certificate_file", "key_file")


class SecuritySettings(BaseSettings):
    """What the clients of a cluster can be told of its security."""

    model_config = SettingsConfigDict(
        env_prefix="STREAM_CW_SECURITY_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    protocol: Protocol = Field(
        default="PLAINTEXT",
        description="PLAINTEXT, SSL (with a certificate of the client: mutual TLS) or SASL_SSL "
        "(user and password, over TLS).",
    )
    mechanism: Mechanism = Field(
        default="SCRAM-SHA-512", description="With SASL_SSL: SCRAM-SHA-512 or SCRAM-SHA-256."
    )
    username: str | None = Field(default=None, min_length=1, description="With SASL_SSL: the user.")
    password: SecretStr | None = Field(
        default=None, min_length=1, description="With SASL_SSL: the user's password."
    )
    password_file: Path | None = Field(
        default=None, description="A file with the password, in place of it."
    )
    ca_file: Path | None = Field(
        default=None,
        description="PEM certificates that brokers are held to; those of the system without it.",
    )
    certificate_file: Path | None = Field(
        default=None, description="PEM certificate of the client, with its chain."
    )
    key_file: Path | None = Field(default=None, description="PEM private key of the client.")
    key_password_file: Path | None = Field(
        default=None, description="A file with the password of the private key."
    )

    @model_validator(mode="after")
    def _settings_fit(self) -> "SecuritySettings":
        if faults := list(self._faults()):
            raise ValueError("; ".join(faults))
        return self

    def _faults(self) -> list[str]:
        """Tell what does not go together; what would be ignored is refused, too."""
        given = {name for name in type(self).model_fields if name in self.model_fields_set}
        sasl = {"username", "password", "password_file", "mechanism"}
        tls = {*_FILES, "key_password_file"}
        faults = []
        if self.protocol != "SASL_SSL":
            faults += [f"`{name}` goes with `protocol` SASL_SSL" for name in sorted(sasl & given)]
        else:
            if self.username is None:
                faults.append("`username` wanted with `protocol` SASL_SSL, found none")
            if (self.password is None) == (self.password_file is None):
                faults.append("`password` or `password_file` wanted with `protocol` SASL_SSL")
        if self.protocol == "PLAINTEXT":
            faults += [f"`{name}` goes with SSL or SASL_SSL" for name in sorted(tls & given)]
        if (self.certificate_file is None) != (self.key_file is None):
            faults.append("`certificate_file` and `key_file` go together")
        if self.key_password_file is not None and self.key_file is None:
            faults.append("`key_password_file` goes with `key_file`")
        return faults


def secured(addresses: str, **given: object) -> Connection:
    """Describe the connection to a cluster, by the settings of the environment.

    Parameters
    ----------
    addresses : str
        `host:port`, separated by commas.
    **given
        Settings by name, which go before the environment's; None leaves one to it.

    Returns
    -------
    Connection
        Its files are there and hold what they should.

    Raises
    ------
    SettingsError
        If a setting has a wrong value or does not go with another, or a file cannot be used; the
        message names the setting, never a secret.
    """
    settings = read_settings(SecuritySettings, given)
    password = settings.password or _secret(settings, "password_file")
    connection = Connection(
        addresses=addresses,
        protocol=settings.protocol,
        mechanism=settings.mechanism,
        username=settings.username or "",
        password=password or SecretStr(""),
        ca_file=settings.ca_file,
        certificate_file=settings.certificate_file,
        key_file=settings.key_file,
        key_password=_secret(settings, "key_password_file"),
    )
    _check_files(settings, connection)
    return connection


def _secret(settings: SecuritySettings, name: str) -> SecretStr | None:
    """Read a secret's file; a line break at its end is not part of it."""
    path: Path | None = getattr(settings, name)
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SECRET_BYTES + 1)
        text = data.decode().rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"{_named(name)}: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{_named(name)}: {path}: wanted UTF-8, found other bytes") from None
    if not text or len(data) > MAX_SECRET_BYTES:
        raise SettingsError(
            f"{_named(name)}: {path}: wanted 1 to {MAX_SECRET_BYTES} bytes, found "
            f"{'none' if not text else 'more'}"
        )
    return SecretStr(text)


def _check_files(settings: SecuritySettings, connection: Connection) -> None:
    """See that all files can be read and used, before a client retries what they are for."""
    for name in _FILES:
        path: Path | None = getattr(settings, name)
        if path is None:
            continue
        try:
            path.open("rb").close()
        except OSError as error:
            raise SettingsError(f"{_named(name)}: {path}: {error.strerror}") from None
    if connection.protocol == "PLAINTEXT":
        return
    try:
        ssl_context(Connection(addresses="", ca_file=connection.ca_file))
    except ssl.SSLError:
        raise SettingsError(f"{_named('ca_file')}: wanted PEM certificates, found none") from None
    try:
        ssl_context(connection)
    except ssl.SSLError:
        raise SettingsError(
            f"{_named('certificate_file')}, {_named('key_file')}: wanted a PEM certificate and its "
            f"private key, and {_named('key_password_file')} where the key has a password"
        ) from None


def _named(name: str) -> str:
    return variable(SecuritySettings, name)
