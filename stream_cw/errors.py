"""The one error tree of stream-cw.

Everything that this package raises on purpose is a `StreamCwError`::

    StreamCwError
    ├── RefusedRecordError      one record breaks the contract: it goes to the dead letters
    ├── RefusedModelError       a model's artefact must not be used: the model before it stays
    ├── InputError              a file that was handed in cannot be used
    │   ├── ExportFormatError   not the viewing export that was expected
    │   ├── LogFormatError      not an event log, or a damaged line of one
    │   └── DataSetError        not a data set that this version reads
    ├── StateError              bytes of a stored state cannot be used
    │   ├── CorruptStateError   they are damaged
    │   └── NewerStateError     a newer version wrote them: stop, never reset
    ├── DeploymentError         the worker must not start, or must not go on
    │   ├── TopicMismatchError  a topic is not as wanted: missing, partitions, settings
    │   ├── LogMismatchError    offsets or identities do not fit the log
    │   ├── TooManyRefusedError a larger share of the records is refused than the limit allows
    │   └── DataDirLockedError  another worker uses the data directory
    ├── TokenRefusedError       a token or ticket does not prove what its bearer may see
    ├── GatewayError            what a client asked of a gateway is refused
    │   ├── TokenExpiredError   its token has expired: before it asked, or while a stream ran
    │   └── GatewayUnavailableError  no answer, or one that says later: the same again may do
    ├── NoCompilerError         loops cannot be compiled ahead of time here
    ├── BrokerError             a broker cannot be started or reached
    └── SettingsError           a setting is missing or has a wrong value
"""

from typing import Literal

RefusalReason = Literal[
    "empty",
    "too_large",
    "bad_utf8",
    "bad_json",
    "too_deep",
    "bad_field",
    "from_the_future",
    "key_mismatch",
    "wrong_partition",
]

ModelRefusal = (
    RefusalReason | Literal["newer_format", "unknown_key", "bad_signature", "other_features"]
)

TokenRefusal = Literal[
    "too_long",
    "malformed",
    "wrong_algorithm",
    "unknown_key",
    "bad_signature",
    "missing_claim",
    "bad_claim",
    "bad_profiles",
    "too_many_profiles",
    "wrong_issuer",
    "wrong_audience",
    "not_yet_valid",
    "expired",
    "used",
    "other_stream",
    "too_many_tickets",
]


class StreamCwError(Exception):
    """Root of every error that stream-cw raises on purpose."""


class RefusedRecordError(StreamCwError):
    """A record that breaks the contract of its topic.

    Parameters
    ----------
    reason : RefusalReason
        Which rule was broken; stable, used in headers and metrics.
    message : str
        Names the field and the kind of value found, never the value itself.
    """

    def __init__(self, reason: RefusalReason, message: str) -> None:
        super().__init__(message)
        self.reason: RefusalReason = reason
        self.message = message


class RefusedModelError(StreamCwError):
    """The artefact of a model must not be used.

    Parameters
    ----------
    reason : ModelRefusal
        Which check it failed; stable, used in logs.
    message : str
        Names the thing, what was wanted and what was found.
    """

    def __init__(self, reason: ModelRefusal, message: str) -> None:
        super().__init__(message)
        self.reason: ModelRefusal = reason
        self.message = message


class InputError(StreamCwError):
    """A file that was handed in cannot be used."""


class ExportFormatError(InputError):
    """The file is not the viewing export that was expected."""


class LogFormatError(InputError):
    """The file is not an event log, or one of its lines is damaged."""


class DataSetError(InputError):
    """The file is not a data set that this version reads."""


class StateError(StreamCwError):
    """The bytes of a stored state cannot be used."""


class CorruptStateError(StateError):
    """The bytes of a stored state are damaged."""


class NewerStateError(StateError):
    """The state was written by a newer version of stream-cw."""


class DeploymentError(StreamCwError):
    """The worker must not start, or must not go on."""


class TopicMismatchError(DeploymentError):
    """A topic is missing, or has other partitions or settings than wanted."""


class LogMismatchError(DeploymentError):
    """Offsets or identities that were recorded do not fit the log that is there."""


class TooManyRefusedError(DeploymentError):
    """A larger share of a partition's last records is refused than the limit allows."""


class DataDirLockedError(DeploymentError):
    """Another worker uses the data directory."""


class TokenRefusedError(StreamCwError):
    """A token, or the ticket of a stream, that does not prove what its bearer may see.

    Parameters
    ----------
    reason : TokenRefusal
        Which check it failed; stable, used in answers. `used`, `other_stream` and
        `too_many_tickets` are of tickets alone.
    message : str
        Names the claim or the part, never what it holds.
    """

    def __init__(self, reason: TokenRefusal, message: str) -> None:
        super().__init__(message)
        self.reason: TokenRefusal = reason
        self.message = message


class GatewayError(StreamCwError):
    """What a client asked of a gateway is refused.

    Parameters
    ----------
    status : int or None
        Of the HTTP answer; None where none came.
    reason : str
        Stable word of the gateway, or of the client where no gateway answered.
    message : str
        The reason in words.
    """

    def __init__(self, status: int | None, reason: str, message: str) -> None:
        super().__init__(f"{status or 'no answer'}: {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


class TokenExpiredError(GatewayError):
    """The token of a client has expired: before it asked, or while a stream ran."""


class GatewayUnavailableError(GatewayError):
    """No answer came, or one that says later: the same again may do.

    Parameters
    ----------
    status, reason, message
        As for `GatewayError`.
    retry_after_s : float, default 0
        How long the gateway wants to be left alone.
    """

    def __init__(
        self, status: int | None, reason: str, message: str, retry_after_s: float = 0.0
    ) -> None:
        super().__init__(status, reason, message)
        self.retry_after_s = retry_after_s


class BrokerError(StreamCwError):
    """A broker cannot be started or reached."""


class SettingsError(StreamCwError):
    """A setting is missing or has a wrong value."""


class NoCompilerError(StreamCwError):
    """Loops cannot be compiled ahead of time here."""
