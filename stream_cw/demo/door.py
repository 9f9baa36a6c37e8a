"""The demo's way in for browsers: where its gateway is, and tokens that it takes.

The secret is made at the start and lives as long as the demo: in its memory, and in the gateway's
environment.
"""

import os
import secrets
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from stream_cw.broker.process import HOST, free_port
from stream_cw.core.rows import Row, decode_row
from stream_cw.errors import DeploymentError
from stream_cw.gateway.tokens import mint

PROFILE: Final = "you"
"""Whose rows the page shows; the replay has others."""
SCENE: Final = "week"
"""What the page plays where there is no row yet; see `scenes.js`."""
READY_SECONDS: Final = 60.0
_LIFETIME_S: Final = 12 * 3_600
_ISSUER: Final = "stream-cw-demo"
_ANSWER_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.1


class Door:
    """Where the gateway will be, and who may come in.

    Attributes
    ----------
    url : str
    """

    def __init__(self) -> None:
        self._port = free_port()
        self._secret = secrets.token_hex(32)
        self.url = f"http://{HOST}:{self._port}"

    def environment(self, brokers: str, folder: Path) -> dict[str, str]:
        """Return the gateway's environment: the demo's settings, whatever ours says.

        Parameters
        ----------
        brokers : str
        folder : Path
            Takes what it keeps on disk, so that nothing is left of it, however it ends.
        """
        kept = {key: text for key, text in os.environ.items() if not key.startswith("STREAM_CW_")}
        return {
            **kept,
            "TMPDIR": str(folder),
            "STREAM_CW_BROKERS": brokers,
            "STREAM_CW_GATEWAY_HOST": HOST,
            "STREAM_CW_GATEWAY_PORT": str(self._port),
            "STREAM_CW_GATEWAY_SECRET": self._secret,
            "STREAM_CW_GATEWAY_ISSUER": _ISSUER,
            "STREAM_CW_GATEWAY_AUDIENCE": _ISSUER,
        }

    def link(self) -> str:
        """Return the link to the page; its token is in the fragment, which browsers keep."""
        fragment = {"token": self._token(PROFILE), "profile": PROFILE, "scene": SCENE}
        return f"{self.url}/#{urlencode(fragment)}"

    def wait_ready(self, check: Callable[[], None]) -> None:
        """Wait until the gateway knows the rows that there are.

        Parameters
        ----------
        check : callable
            Called between tries; raises when waiting is pointless.

        Raises
        ------
        DeploymentError
            If it takes too long.
        """
        self._until(check, lambda: self._get("/readyz") is not None, "the gateway is not ready")

    def wait_row(self, row: Row, check: Callable[[], None]) -> None:
        """Fetch a device's row through the gateway until it is this one.

        Raises
        ------
        DeploymentError
            If the gateway gives no such row in time.
        """
        path = f"/v1/profiles/{row.profile_id}/devices/{row.device_id}/row"
        bearer = {"Authorization": f"Bearer {self._token(row.profile_id)}"}

        def is_there() -> bool:
            body = self._get(path, bearer)
            return body is not None and decode_row(body) == row

        what = f"the gateway does not give the row of {row.profile_id}/{row.device_id}"
        self._until(check, is_there, what)

    def _token(self, profile: str) -> str:
        return mint(
            self._secret,
            issuer=_ISSUER,
            audience=_ISSUER,
            profiles=[profile],
            lifetime_s=_LIFETIME_S,
        )

    def _get(self, path: str, headers: dict[str, str] | None = None) -> bytes | None:
        connection = HTTPConnection(HOST, self._port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException):
            return None  # not there yet, or gone: who asks checks
        else:
            return body if answer.status == HTTPStatus.OK else None
        finally:
            connection.close()

    def _until(
        self, check: Callable[[], None], condition: Callable[[], bool], otherwise: str
    ) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            check()
            if condition():
                return
            time.sleep(_PAUSE_SECONDS)
        raise DeploymentError(f"{otherwise} after {READY_SECONDS:.0f} s")
