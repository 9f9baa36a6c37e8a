"""The command that runs a gateway."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from stream_cw.cli.options import explain
from stream_cw.errors import SettingsError

MISSING = "the gateway needs its extra: pip install 'stream-cw[gateway]'"


class GatewayCommand(TyperCommand):
    """A command whose help explains the settings that it reads from the environment."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the options, and then the settings."""
        from stream_cw.gateway.settings import GatewaySettings
        from stream_cw.security import SecuritySettings

        super().format_help(ctx, formatter)
        explain(GatewaySettings, SecuritySettings)


def gateway(
    brokers: Annotated[str | None, typer.Option(help="Sets STREAM_CW_BROKERS.")] = None,
    prefix: Annotated[str | None, typer.Option(help="Sets STREAM_CW_TOPIC_PREFIX.")] = None,
    host: Annotated[str | None, typer.Option(help="Sets STREAM_CW_GATEWAY_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Sets STREAM_CW_GATEWAY_PORT.")] = None,
) -> None:
    """Run a gateway, HTTP for browsers and apps, until SIGTERM or Ctrl-C."""
    from stream_cw.gateway.settings import load_gateway_settings

    settings = load_gateway_settings(brokers=brokers, topic_prefix=prefix, host=host, port=port)
    try:
        from stream_cw.gateway.run import run_gateway
    except ModuleNotFoundError:
        raise SettingsError(MISSING) from None

    raise typer.Exit(run_gateway(settings))
