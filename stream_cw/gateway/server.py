"""The HTTP server: uvicorn, with small buffers and connections that can be cut off."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

TRANSPORT: Final = "transport"
"""Where an application finds its connection, in the state of its scope."""
SEND_BUFFER_BYTES: Final = 65_536
"""What the system holds for a client that does not read (it doubles what it is asked for); by
itself it would take megabytes, and a slow client would read all of these old rows first."""
UNSENT_BYTES: Final = 16_384
"""What of it may be unsent, so that it is seen bit by bit that a slow client reads."""
WRITE_BUFFER_BYTES: Final = 16_384
"""What the process holds for it, and one row more."""
UNACKNOWLEDGED_MS: Final = 30_000
"""A client that answers no packet for so long is gone, also where it did not say so."""
_WHERE_KNOWN: Final = {"TCP_USER_TIMEOUT": UNACKNOWLEDGED_MS, "TCP_NOTSENT_LOWAT": UNSENT_BYTES}
BACKLOG: Final = 2_048
ENDING_SECONDS: Final = 5
IDLE_SECONDS: Final = 30


def listen(host: str, port: int) -> socket.socket:
    """Open the socket that clients connect to; what is set here holds for their connections.

    Raises
    ------
    OSError
        If the address cannot be taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in _WHERE_KNOWN.items():
        if (option := getattr(socket, name, None)) is not None:
            listening.setsockopt(socket.IPPROTO_TCP, option, value)
    return listening


class Server(uvicorn.Server):
    """A server that leaves signals to its caller.

    Parameters
    ----------
    app : ASGIApp
    """

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            access_log=False,  # its lines name profiles
            log_config=None,
            lifespan="off",
            http="h11",  # bounds a request's head; the other parser does not
            ws="none",
            server_header=False,
            date_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=ENDING_SECONDS,
        )
        config.load()
        config.http_protocol_class = _within_reach(config.http_protocol_class)
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield

    def end(self) -> None:
        """Take no further connection, see answers through for a moment, and return."""
        self.should_exit = True


def _within_reach(protocol: Any) -> Any:
    """Derive uvicorn's protocol: an application finds its transport, and little is buffered."""

    class Protocol(protocol):  # type: ignore[misc]
        app_state: dict[str, Any]

        def connection_made(self, transport: Any) -> None:
            transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
            self.app_state = {**self.app_state, TRANSPORT: transport}
            super().connection_made(transport)

    return Protocol
