"""`/healthz`, `/readyz`, `/metrics`: how the gateway is, for those who run it."""

from starlette.requests import Request
from starlette.responses import Response

from stream_cw.gateway.follow import Progress
from stream_cw.gateway.limits import StreamLimits
from stream_cw.gateway.metrics import Metrics
from stream_cw.gateway.problems import Problem, json_response

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Probes:
    """Answers probes; none of them wants a token or names a member."""

    def __init__(self, progress: Progress, limits: StreamLimits, metrics: Metrics) -> None:
        self._progress = progress
        self._limits = limits
        self._metrics = metrics

    async def healthz(self, _request: Request) -> Response:
        """Tell that the process answers."""
        return json_response({"alive": True})

    async def readyz(self, _request: Request) -> Response:
        """Tell whether the gateway knows the rows that there are.

        Raises
        ------
        Problem
            503 if not.
        """
        if not await self._progress.is_ready():
            raise Problem(503, "catching_up", "this gateway does not know all rows")
        return json_response({"ready": True})

    async def metrics(self, _request: Request) -> Response:
        """Give the counts."""
        self._metrics.level("streams", self._limits.total)
        self._metrics.level("ready", await self._progress.is_ready())
        self._metrics.level("rows_behind", await self._progress.behind())
        return Response(self._metrics.text(), headers={"content-type": TEXT})
