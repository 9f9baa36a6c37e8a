"""What a worker counts."""

from pathlib import Path

import msgspec
from msgspec import Struct


class Stats(Struct):
    """Counts since the start of the process; shown in the log and, at the end, in a file.

    Attributes
    ----------
    events : int
        Records that were admitted and applied.
    repeated : int
        Records with an event id that the profile had lately, applied once before.
    redelivered : int
        Records at or below a guard or a mark: they came again.
    refused : int
        Dead letters that were sent.
    rounds : int
    rows, tombstones : int
        Sent to the push topic.
    pushed : int
        Those of the rows that a change of the catalog sent to sessions that were live.
    conflated : int
        Rows left out because a later one of the same device stood in the same round.
    held_back : int
        Rows left out because the device has the same content already.
    letters_erased : int
        Tombstones of dead letters, of profiles that were forgotten.
    changelog_sent : int
    changelog_read : int
        Records that recoveries read, those among them that the store had already.
    rewritten : int
        States written again, because the changelog had an older one behind them.
    rebalances : int
    models_taken, models_refused : int
        Artefacts of the model topic.
    catalog_taken, catalog_refused : int
        Records of the catalog topic; one that takes an entry away is taken, too.
    working_ms : int
        Time spent in the pure part of rounds and in building rows.
    stopped_by : str
        The error that ended the process, by its class; empty while it works and after a graceful
        stop.
    """

    events: int = 0
    repeated: int = 0
    redelivered: int = 0
    refused: int = 0
    rounds: int = 0
    rows: int = 0
    tombstones: int = 0
    pushed: int = 0
    conflated: int = 0
    held_back: int = 0
    letters_erased: int = 0
    changelog_sent: int = 0
    changelog_read: int = 0
    rewritten: int = 0
    rebalances: int = 0
    models_taken: int = 0
    models_refused: int = 0
    catalog_taken: int = 0
    catalog_refused: int = 0
    working_ms: int = 0
    stopped_by: str = ""

    def line(self) -> str:
        """Return the counts as one line of JSON."""
        return msgspec.json.encode(self).decode()

    def write(self, path: Path) -> None:
        """Write the counts to a file; a reader never sees half of it."""
        half = path.with_name(path.name + ".part")
        half.write_text(self.line() + "\n")
        half.replace(path)
