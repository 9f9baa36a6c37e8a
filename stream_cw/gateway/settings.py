"""Settings of the gateway: from the environment as `STREAM_CW_GATEWAY_…`, or given by the caller.

What says which system it belongs to is shared with the worker and has the worker's names.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stream_cw.config import LogLevel, read_settings
from stream_cw.logs import LogFormat

MAX_WAIT_MS = 2_000
"""Longest wait for the row of an opening."""


class GatewaySettings(BaseSettings):
    """What a gateway can be told. Times are in seconds where no unit is named, sizes in bytes."""

    model_config = SettingsConfigDict(
        env_prefix="STREAM_CW_GATEWAY_", frozen=True, extra="forbid", populate_by_name=True
    )

    brokers: str = Field(
        default="127.0.0.1:9092",
        min_length=1,
        validation_alias="STREAM_CW_BROKERS",
        description="Addresses of the brokers, host:port, separated by commas.",
    )
    app_id: str = Field(
        default="stream-cw",
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        validation_alias="STREAM_CW_APP_ID",
        description="App id of the workers whose topics these are.",
    )
    topic_prefix: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        validation_alias="STREAM_CW_TOPIC_PREFIX",
        description="Stands before the name of every topic, so that systems can share a cluster.",
    )
    log_level: LogLevel = Field(
        default="INFO",
        validation_alias="STREAM_CW_LOG_LEVEL",
        description="Least severe messages to log; tokens and profiles are in none.",
    )
    log_format: LogFormat = Field(
        default="text",
        validation_alias="STREAM_CW_LOG_FORMAT",
        description="Lines for people, or one line of JSON for each fact.",
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen at.")
    port: int = Field(default=8080, ge=0, le=65_535, description="Port; 0 takes a free one.")
    algorithm: Literal["HS256", "RS256", "EdDSA"] = Field(
        default="HS256", description="How tokens are signed: HS256, RS256 or EdDSA, nothing else."
    )
    secret: str | None = Field(
        default=None, repr=False, description="Secret of HS256 tokens, 32 bytes or more."
    )
    keys: Path | None = Field(
        default=None, description="Public key of RS256 or EdDSA tokens: a PEM or JWKS file."
    )
    issuer: str = Field(min_length=1, description="What tokens must say in `iss`.")
    audience: str = Field(min_length=1, description="What tokens must say in `aud`.")
    ticket_secret: str | None = Field(
        default=None,
        repr=False,
        description="Gateways that share it take one another's stream tickets; 32 bytes or more. "
        "Without it each takes its own alone.",
    )
    cors_origins: str = Field(
        default="",
        description="Origins whose pages may call the gateway, separated by commas; none if empty.",
    )
    open_wait_ms: int = Field(
        default=150,
        ge=0,
        le=MAX_WAIT_MS,
        description="How long an opening waits for its row, in ms, where the request says nothing.",
    )
    produce_timeout: float = Field(
        default=5.0, gt=0.0, le=60.0, description="How long brokers may take to acknowledge events."
    )
    events_per_second: float = Field(
        default=200.0, gt=0.0, description="Events a second that a token's subject may send."
    )
    events_at_once: int = Field(
        default=2_000, ge=500, description="Events that a subject may send at once after a rest."
    )
    max_streams: int = Field(default=10_000, ge=1, description="Most streams of the gateway.")
    streams_per_subject: int = Field(
        default=50, ge=1, description="Most streams of a token's subject."
    )
    heartbeat: float = Field(
        default=15.0, gt=0.0, le=300.0, description="A silent stream gets a comment after it."
    )
    cut_off: float = Field(
        default=10.0, gt=0.0, le=300.0, description="A stream whose client reads nothing ends."
    )
    cache_bytes: int = Field(
        default=67_108_864,
        ge=1_048_576,
        description="Memory for the newest rows; the rest is on disk.",
    )

    @property
    def origins(self) -> list[str]:
        """Origins whose pages may call the gateway."""
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]


def load_gateway_settings(**given: object) -> GatewaySettings:
    """Read the settings from the environment; what is given goes first.

    Raises
    ------
    SettingsError
        If one is missing, unknown or has a wrong value; the message names each, never its value.
    """
    return read_settings(GatewaySettings, given)
