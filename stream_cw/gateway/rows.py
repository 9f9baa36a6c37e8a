"""`GET …/row` and `…/row/why`: the newest row of a device, and why it is as it is."""

import re
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from stream_cw.core.reasons import in_words
from stream_cw.core.rows import Cause, ModelRef, Placement, Version, decode_row, row_key
from stream_cw.gateway.access import asked
from stream_cw.gateway.follow import Progress
from stream_cw.gateway.latest import MARK_BYTES, Known, Latest
from stream_cw.gateway.problems import Problem, json_response
from stream_cw.gateway.tokens import Tokens

CATCHING_UP_SECONDS: Final = 2
_VERSION: Final = re.compile(r"([0-9]{1,16})\.([0-9]{1,16})\.([0-9]{1,16})")
_MARK: Final = re.compile(rf"[0-9a-f]{{{2 * MARK_BYTES}}}")
_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')


class TileWhy(Struct, frozen=True):
    """Why a tile stands where it stands."""

    rank: int
    show_id: str
    title_id: str
    score: int
    reason: str
    words: str


class Why(Struct, frozen=True):
    """Why the newest row is as it is."""

    version: str
    ts: int
    cause: Cause
    model: ModelRef
    arm: str | None
    placement: Placement
    tiles: list[TileWhy]


class Rows:
    """Gives the newest rows.

    Parameters
    ----------
    tokens : Tokens
    latest : Latest
    progress : Progress
    """

    def __init__(self, tokens: Tokens, latest: Latest, progress: Progress) -> None:
        self._tokens = tokens
        self._latest = latest
        self._progress = progress

    async def get(self, request: Request) -> Response:
        """Answer `GET …/row`."""
        known = self._newest(request)
        headers = {"etag": f'"{known.tag}"', "cache-control": "private, no-cache"}
        if _matches(request.headers.get("if-none-match"), known.tag):
            return Response(status_code=304, headers=headers)
        return Response(known.value, 200, headers, "application/json")

    async def why(self, request: Request) -> Response:
        """Answer `GET …/row/why`."""
        known = self._newest(request)
        wanted = request.query_params.get("version")
        if wanted is not None:
            _check_version(wanted, known)
        return json_response(explained(known))

    def _newest(self, request: Request) -> Known:
        who = asked(request, self._tokens)
        if not self._progress.caught_up:
            retry = {"retry-after": str(CATCHING_UP_SECONDS)}
            raise Problem(503, "catching_up", "this gateway does not know all rows yet", retry)
        known = self._latest.get(row_key(who.profile_id, who.device_id))
        if known is None:
            raise Problem(404, "no_row", "this device has no row")
        return known


def explained(known: Known) -> Why:
    """Tell why a row is as it is."""
    row = decode_row(known.value)
    tiles = [
        TileWhy(rank, t.show_id, t.title_id, t.score, t.reason, in_words(t.reason))
        for rank, t in enumerate(row.tiles)
    ]
    return Why(known.name, row.ts, row.cause, row.model, row.arm, row.placement, tiles)


def parse_version(text: str) -> Version | None:
    """Read a version as clients write it; None for anything else."""
    found = _VERSION.fullmatch(text)
    return None if found is None else Version(*map(int, found.groups()))


def parse_tag(text: str) -> tuple[Version | None, str | None]:
    """Read a row's version and its tag, as `Known.tag` writes it; a version alone has no tag."""
    name, dash, mark = text.partition("-")
    if not dash:
        return parse_version(name), None
    return (parse_version(name), text) if _MARK.fullmatch(mark) else (None, None)


def _check_version(wanted: str, known: Known) -> None:
    version = parse_version(wanted)
    if version is None:
        raise Problem(422, "bad_field", "`version`: wanted revision.catalog.model")
    if version < known.version:
        raise Problem(410, "older_row", "only the newest row is kept")
    if version > known.version:
        raise Problem(404, "no_such_row", "there is no row of this version")


def _matches(header: str | None, tag: str) -> bool:
    """Whether an `If-None-Match` names the row (RFC 9110: the weak comparison)."""
    if header is None:
        return False
    return header.strip() == "*" or tag in _TAG.findall(header)
