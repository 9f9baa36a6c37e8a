"""Clients that read slowly, or not at all: they get the newest row, and cost next to nothing."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import httpx
from gateway_support import bearing, device_path, streaming
from served import Served, a_row, served
from worker_support import wait_until

from stream_cw.core.rows import encode_row
from stream_cw.gateway.server import SEND_BUFFER_BYTES, UNSENT_BYTES, WRITE_BUFFER_BYTES

IDS = re.compile(rb"^id: (\d+)\.0\.0-\w{8}$", re.MULTILINE)
RECEIVE_BYTES = 8_192
ROWS = 3_000
ROW_BYTES = len(encode_row(a_row(1, tiles=20)))
HELD_BYTES = 2 * SEND_BUFFER_BYTES + WRITE_BUFFER_BYTES + 4 * RECEIVE_BYTES + 3 * ROW_BYTES
"""What may lie between gateway and client: the system doubles the buffers that it is asked for."""
SLOW_BYTES = 1_024
SLOW_BYTES_A_SECOND = 9_000
CUT_OFF = 3.0


@contextmanager
def connected(gateway: Served, device: str = "tv") -> Iterator[socket.socket]:
    """A stream whose client reads when the test does."""
    port = int(gateway.url.rpartition(":")[2])
    with closing(socket.socket()) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        client.settimeout(20)
        client.connect(("127.0.0.1", port))
        head = "".join(f"{name}: {value}\r\n" for name, value in bearing("ann").items())
        path = device_path("ann", device) + "/rows"
        client.sendall(f"GET {path} HTTP/1.1\r\nhost: test\r\n{head}\r\n".encode())
        assert client.recv(4_096).startswith(b"HTTP/1.1 200 ")
        yield client


def wait_for_streams(gateway: Served, count: int) -> None:
    def waiting() -> int:
        return sum(map(len, gateway.parts.subscribers._mailboxes.values()))

    wait_until(lambda: gateway.call(waiting) == count, f"{count} streams wait")


def buffered(gateway: Served) -> list[int]:
    """Bytes that the process holds for each connection."""
    found = gateway.call(lambda: list(gateway.connections()))
    return [connection.transport.get_write_buffer_size() for connection in found]


def test_a_client_that_paused_goes_on_with_the_newest_row() -> None:
    with served() as gateway, connected(gateway) as client:
        wait_for_streams(gateway, 1)
        for number in range(1, ROWS + 1):
            gateway.put(a_row(number, tiles=20))
        read = b""
        while b"id: %d.0.0" % ROWS not in read:
            read += client.recv(65_536)
        found = [int(number) for number in IDS.findall(read)]
        assert found == sorted(set(found))
        assert found[-1] == ROWS
        assert len(read) < HELD_BYTES + ROW_BYTES
        assert len(found) < HELD_BYTES // ROW_BYTES + 2
    wait_until(
        lambda: gateway.metric("rows_skipped_total") == ROWS - len(found), "the others are counted"
    )


def test_a_client_that_reads_nothing_is_cut_off() -> None:
    with served(cut_off=0.5) as gateway, connected(gateway) as client:
        with httpx.Client(base_url=gateway.url) as other, streaming(other, "ann", "phone") as live:
            wait_for_streams(gateway, 2)
            number = 0
            while not gateway.metric("streams_ended_total", end="cut_off"):
                number += 1
                assert number < 100_000
                gateway.put(a_row(number, tiles=20))
            wait_for_streams(gateway, 1)
            gateway.put(a_row(1, device="phone"))
            assert live.next_row()["device_id"] == "phone"
        with suppress(ConnectionResetError):
            while client.recv(65_536):
                pass


def test_a_client_that_reads_slowly_is_not_cut_off() -> None:
    """It takes longer than the limit to read what waits, but never stops for so long."""
    with served(cut_off=CUT_OFF) as gateway, connected(gateway) as client:
        wait_for_streams(gateway, 1)
        writing = threading.Event()

        def write() -> None:
            number = 0
            while not writing.is_set():
                number += 1
                gateway.put(a_row(number, tiles=20))

        writer = threading.Thread(target=write)
        writer.start()
        read = 0
        try:
            deadline = time.monotonic() + 4 * CUT_OFF
            while time.monotonic() < deadline:
                got = client.recv(SLOW_BYTES)
                assert got, "the stream ended"
                read += len(got)
                time.sleep(SLOW_BYTES / SLOW_BYTES_A_SECOND)
        finally:
            writing.set()
            writer.join()
        assert gateway.metric("streams_ended_total", end="cut_off") == 0
        assert read > 2 * UNSENT_BYTES


def test_clients_that_read_nothing_cost_little_memory() -> None:
    stalled = 40
    with served(streams_per_subject=stalled) as gateway:
        clients = [connected(gateway) for _ in range(stalled)]
        opened = [client.__enter__() for client in clients]
        try:
            wait_for_streams(gateway, stalled)
            for number in range(1, 500):
                gateway.put(a_row(number, tiles=20))
            held = buffered(gateway)
            assert len(held) == stalled
            assert max(held) > 0, "they are stalled"
            assert max(held) <= WRITE_BUFFER_BYTES + ROW_BYTES + 64
        finally:
            for client in clients:
                client.__exit__(None, None, None)
        assert len(opened) == stalled
