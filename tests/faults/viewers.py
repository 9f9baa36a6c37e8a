"""Clients of the gateway: each follows the rows of a device and comes back when it is cut off."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence

import uvloop
from gateway_support import bearing
from sse_clients import Client

TOKEN_S = 14_400.0


class Viewers:
    """Runs clients in a thread of its own; O5 holds what they got to what was pushed."""

    def __init__(self, port: int, devices: Sequence[tuple[str, str]]) -> None:
        self.clients = [
            Client(port, profile, device, bearing(profile, lifetime_s=TOKEN_S)["authorization"])
            for profile, device in devices
        ]
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="viewers")
        self._tasks: list[asyncio.Task[None]] = []
        self.broken: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._cancel)
            self._thread.join()

    def all_back(self) -> Callable[[], bool]:
        """Tell later whether each client has come back since now."""
        before = [client.connections for client in self.clients]
        return lambda: all(
            client.is_connected and client.connections > count
            for client, count in zip(self.clients, before, strict=True)
        )

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._follow())

    async def _follow(self) -> None:
        self._tasks = [asyncio.create_task(client.follow()) for client in self.clients]
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                self.broken.append(repr(ended))

    def behind(self, newest: Mapping[bytes, bytes]) -> list[str]:
        """Clients whose last row is not their device's newest."""
        wanted = {f"{c.profile}/{c.device}": c for c in self.clients}
        return sorted(
            name
            for name, client in wanted.items()
            if (newest.get(name.encode()) or b"") != (client.rows[-1][1] if client.rows else b"")
        )

    def out_of_order(self) -> list[str]:
        """Clients that got a row twice, or an older one behind a newer one."""
        found = [f"a client ended with {error}" for error in self.broken]
        for client in self.clients:
            versions = [version for version, _ in client.rows]
            if versions != sorted(set(versions)):
                found.append(f"{client.profile}/{client.device}: rows out of order, or twice")
        return found
