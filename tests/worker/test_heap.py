"""What is freed in large blocks does not stay with the process."""

import platform
import subprocess
import sys

import pytest

HELD = """
import os, sys
from stream_cw.worker.heap import return_large_blocks

if sys.argv[1] == "returned":
    return_large_blocks()

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

bytearray(b"x" * 30_000_000)  # glibc takes what is freed for the size of what will be asked for
before = resident()
large = [bytearray(b"x" * 1_000_000) for _ in range(40)]
del large
print(resident() - before)
"""


def held(how: str) -> int:
    """Bytes that a process still holds of 40 MB that it has freed."""
    command = [sys.executable, "-c", HELD, how]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return int(ended.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_large_blocks_that_are_freed_go_back_to_the_system() -> None:
    assert held("kept") > 30_000_000
    assert held("returned") < 10_000_000
