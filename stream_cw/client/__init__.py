"""A client of the gateway: send events, follow a row; it needs HTTP and nothing of Kafka.

Install `stream-cw[client]`. Following a row, with all reconnects::

    import os

    from stream_cw.client import Client

    with Client(os.environ["GATEWAY"], os.environ["TOKEN"]) as client:
        opened = client.open("p1", "tv-1", "tv")
        for row in client.rows("p1", "tv-1"):
            if row is None:
                print("the row is gone")
            else:
                print(*(tile.title_id for tile in row.tiles))

`AsyncClient` is the same for asyncio; see docs/client.md. What is refused raises
`stream_cw.errors.GatewayError`.

The two clients share all but the waiting: `calls` says what is asked and how answers are read,
`following` what a stream's events mean and when to connect anew, `backoff` how long to wait.
"""

from stream_cw.client.answers import Accepted, Opened, Produced, Refused, Sent, Why, WhyTile
from stream_cw.client.awaiting import AsyncClient, AsyncRows
from stream_cw.client.blocking import Client, Rows

__all__ = [
    "Client",
    "AsyncClient",
    "Rows",
    "AsyncRows",
    "Sent",
    "Accepted",
    "Refused",
    "Opened",
    "Produced",
    "Why",
    "WhyTile",
]
