"""Settings: from the environment as `STREAM_CW_…`, or given by the caller; those of the worker."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from stream_cw.errors import SettingsError
from stream_cw.logs import LogFormat

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class Settings(BaseSettings):
    """What a worker can be told. Times are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="STREAM_CW_", frozen=True, extra="forbid")

    brokers: str = Field(
        default="127.0.0.1:9092",
        min_length=1,
        description="Addresses of the brokers, host:port, separated by commas.",
    )
    app_id: str = Field(
        default="stream-cw",
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="Consumer group of the workers; names the changelog, too.",
    )
    topic_prefix: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="Stands before the name of every topic, so that systems can share a cluster.",
    )
    data_dir: Path = Field(
        default=Path("data"),
        description="Where the states are kept. Every worker needs one of its own.",
    )
    instance: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="Static membership: a worker that comes back under the same name within the "
        "session timeout keeps its partitions.",
    )
    session_timeout: float = Field(
        default=6.0, ge=1.0, le=300.0, description="A silent worker loses its partitions after it."
    )
    heartbeat_interval: float = Field(
        default=2.0,
        gt=0.0,
        description="Time between heartbeats, at most half of the session timeout.",
    )
    rebalance_timeout: float = Field(
        default=6.0, ge=1.0, le=300.0, description="How long workers may take to hand over."
    )
    commit_interval: float = Field(
        default=1.0, gt=0.0, le=60.0, description="Time between commits of offsets."
    )
    fetch_wait: float = Field(
        default=0.05,
        gt=0.0,
        le=5.0,
        description="How long the broker may hold back a fetch that finds nothing new.",
    )
    fetch_bytes: int = Field(
        default=1_048_576, ge=65_536, description="Bytes of a partition in one fetch."
    )
    round_records: int = Field(
        default=2_000, ge=1, description="Most records that are worked on as one round."
    )
    round_bytes: int = Field(
        default=4_194_304, ge=1_024, description="Most bytes of records in one round."
    )
    stall_timeout: float = Field(
        default=60.0,
        ge=1.0,
        description="The worker exits when records wait and no offset advances for so long.",
    )
    refused_limit: float | None = Field(
        default=None,
        gt=0.0,
        lt=1.0,
        description="The worker stops where a larger share of a partition's last records is "
        "refused: a wrong producer must not drain the topic into the dead letters. Without it no "
        "bad record stops a worker.",
    )
    refused_window: int = Field(
        default=1_000, ge=10, le=100_000, description="How many last records that share is of."
    )
    standbys: int = Field(
        default=0,
        ge=0,
        le=4,
        description="How many other workers keep a copy of each state, to take over at once; all "
        "workers need the same.",
    )
    store_cache_bytes: int = Field(
        default=33_554_432, ge=1_048_576, description="Block cache of all partitions together."
    )
    store_buffer_bytes: int = Field(
        default=33_554_432, ge=1_048_576, description="Write buffers of all partitions together."
    )
    pending_seconds: float = Field(
        default=5.0,
        ge=0.0,
        le=60.0,
        description="Most time for which states wait to be written while the worker catches up, so "
        "that one that changes again meanwhile is written once; after a kill the events of that "
        "time are done again. Where it keeps up they wait for a tenth of a second at most.",
    )
    pending_bytes: int = Field(
        default=201_326_592,
        ge=1_048_576,
        description="Most bytes of states that wait to be written.",
    )
    model: Literal["shipped", "recency"] = Field(
        default="shipped",
        description="What orders rows where no published model is in force.",
    )
    policy: str = Field(
        default="watch-next",
        min_length=1,
        description="What belongs in rows: a named policy (watch-next, jellyfin, plex, kodi, "
        "stremio), or a file of one's own, TOML or JSON.",
    )
    placement: Path | None = Field(
        default=None, description="How high rows stand: a placement map, TOML or JSON."
    )
    experiment: Path | None = Field(
        default=None, description="An experiment whose arms profiles are dealt to, TOML or JSON."
    )
    model_keys: str | None = Field(
        default=None,
        min_length=1,
        description="Files of public keys, separated by commas: published models that one of them "
        "signed are taken. Without it published models are left alone.",
    )
    probes: str | None = Field(
        default=None,
        pattern=r"^\S+:[0-9]{1,5}$",
        description="Where /healthz, /readyz and /metrics are answered, host:port. They name no "
        "member and ask for no token: keep them from strangers.",
    )
    log_level: LogLevel = Field(default="INFO", description="Least severe messages to log.")
    log_format: LogFormat = Field(
        default="text", description="Lines for people, or one line of JSON for each fact."
    )
    stats_file: Path | None = Field(
        default=None, description="Where the worker's counts are written, as JSON, when it stops."
    )
    unsafe_no_guard: bool = Field(
        default=False,
        description="UNSAFE, for tests alone: what comes again is applied again.",
    )

    @model_validator(mode="after")
    def _timeouts_fit(self) -> "Settings":
        if 2 * self.heartbeat_interval > self.session_timeout:
            raise ValueError(
                "`heartbeat_interval` wanted at most half of `session_timeout` "
                f"({self.session_timeout} s), found {self.heartbeat_interval} s"
            )
        return self

    @property
    def settle_timeout(self) -> float:
        """How long the rounds in flight may take when partitions are handed over."""
        return 0.7 * min(self.session_timeout, self.rebalance_timeout)


def load_settings(**given: object) -> Settings:
    """Read a worker's settings from the environment; what is given goes first.

    Parameters
    ----------
    **given
        Settings by name; None leaves one to the environment.

    Raises
    ------
    SettingsError
        If one is unknown or has a wrong value; the message names each, never its value.
    """
    return read_settings(Settings, given)


_S = TypeVar("_S", bound=BaseSettings)


def read_settings(kind: type[_S], given: Mapping[str, object]) -> _S:
    """Read settings of a kind as `load_settings` does.

    Raises
    ------
    SettingsError
        If one is missing, unknown or has a wrong value; the message names each, never its value.
    """
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(
            "; ".join(
                f"{variable(kind, '_'.join(map(str, e['loc'])) or '…')}: {e['msg']}"
                for e in error.errors(include_input=False, include_url=False)
            )
        ) from None


def variable(kind: type[BaseSettings], name: str) -> str:
    """Name the environment variable of a setting, given by its field's name or its alias."""
    field = kind.model_fields.get(name)
    if field is not None and isinstance(field.validation_alias, str):
        return field.validation_alias
    prefix = str(kind.model_config.get("env_prefix", ""))
    return name if name.startswith("STREAM_CW_") else f"{prefix}{name.upper()}"
