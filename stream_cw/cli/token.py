"""The command that makes a token for development; in production the issuer does."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

import os
import re
import time
from typing import Annotated, Final

import typer

from stream_cw.errors import SettingsError

MAX_LIFETIME_S: Final = 30 * 86_400
"""A token cannot be called back: this one is for trying things out."""

_UNIT_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def token(
    profile: Annotated[
        list[str],
        typer.Option(metavar="ID", help="What it lets its bearer see; more than once for several."),
    ],
    issuer: Annotated[str, typer.Option(envvar="STREAM_CW_GATEWAY_ISSUER", help="Claim `iss`.")],
    audience: Annotated[
        str, typer.Option(envvar="STREAM_CW_GATEWAY_AUDIENCE", help="Claim `aud`.")
    ],
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="Such as 90s, 15m, 1h or 7d from now.")
    ] = "1h",
    subject: Annotated[str | None, typer.Option(help="Claim `sub`: who the bearer is.")] = None,
) -> None:
    """Print a token for the gateway, signed (HS256) with STREAM_CW_GATEWAY_SECRET.

    The secret comes from the environment alone: arguments are seen by everybody on the machine.
    """
    lifetime_s = parse_duration(expires)
    try:
        from stream_cw.gateway.keys import SECRET, load_keys
        from stream_cw.gateway.tokens import Tokens, mint
    except ModuleNotFoundError:
        raise SettingsError(
            "tokens need the extra `gateway`: pip install 'stream-cw[gateway]'"
        ) from None

    key_of = load_keys("HS256", os.environ.get(SECRET), None)
    made = mint(
        os.environ[SECRET],
        issuer=issuer,
        audience=audience,
        profiles=profile,
        lifetime_s=lifetime_s,
        subject=subject,
    )
    Tokens("HS256", key_of, issuer, audience, time.time).verify(made)  # a gateway will take it
    typer.echo(made)


def parse_duration(text: str) -> int:
    """Read a time such as `90s`, `15m`, `1h` or `7d`, in seconds."""
    found = re.fullmatch(r"([0-9]{1,7})([smhd])", text)
    seconds = int(found[1]) * _UNIT_S[found[2]] if found else 0
    if not 0 < seconds <= MAX_LIFETIME_S:
        raise typer.BadParameter(f"expires: wanted a time up to 30d, such as 1h, found {text!r}")
    return seconds
