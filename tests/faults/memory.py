"""Memory of the workers: a process that lives long must not grow."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import linear_regression

from fleet import Slot

EVERY_S = 5.0
SETTLED_AFTER_S = 600.0
"""Caches and write buffers fill first: what a process did before is left out."""
PAGE_BYTES = 4096
MIB = 1024 * 1024
MOST_GROWTH = 1.0
"""MiB in ten minutes."""

Sample = tuple[float, int]


class Memory:
    """Samples what the workers' processes hold, in seconds and bytes."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self.samples: dict[tuple[str, int], list[Sample]] = defaultdict(list)
        self._slots = slots
        self._next = 0.0

    def look(self) -> None:
        """Take a sample of each worker, if it is time."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY_S
        for slot in self._slots:
            pid = slot.process.process.pid
            if (held := _resident_bytes(pid)) is not None:
                self.samples[slot.name, pid].append((now, held))

    @property
    def most_mib(self) -> float:
        """The most that one process held."""
        held = (held for found in self.samples.values() for _, held in found)
        return max(held, default=0) / MIB

    @property
    def course(self) -> dict[str, list[float]]:
        """What each process held, MiB: a sample of each minute."""
        each = int(60 / EVERY_S)
        return {
            name: [round(held / MIB, 1) for _, held in found[::each]]
            for name, found in self._by_process()
        }

    @property
    def growth(self) -> dict[str, float]:
        """MiB in ten minutes of each process that lived long."""
        slopes = {name: slope_of(found) for name, found in self._by_process()}
        return {name: slope * 600 / MIB for name, slope in slopes.items() if slope is not None}

    def _by_process(self) -> Iterator[tuple[str, list[Sample]]]:
        for (name, pid), found in self.samples.items():
            yield f"{name} ({pid})", found


def slope_of(samples: Sequence[Sample]) -> float | None:
    """Bytes a second, of the time after all has settled; None where that is too short."""
    settled = [sample for sample in samples if sample[0] - samples[0][0] > SETTLED_AFTER_S]
    if len(settled) < 3 or settled[-1][0] - settled[0][0] < SETTLED_AFTER_S:
        return None
    return linear_regression(*zip(*settled, strict=True)).slope


def _resident_bytes(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):  # it is gone, or going
        return None
