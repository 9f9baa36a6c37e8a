"""What a worker counts."""

from pathlib import Path
from typing import Annotated, get_type_hints

import msgspec
from msgspec import Meta, Struct


class Stats(Struct):
    """Counts since the start of the process; each says of what.

    They are shown in the log, as metrics (`metrics`) and, at the end, in a file.
    """

    events: Annotated[int, Meta(description="Records that were admitted and applied.")] = 0
    repeated: Annotated[
        int, Meta(description="Records with an event id that the profile had lately, left out.")
    ] = 0
    redelivered: Annotated[
        int, Meta(description="Records at or below a guard or a mark: they came again.")
    ] = 0
    refused: Annotated[int, Meta(description="Records that became dead letters.")] = 0
    rounds: Annotated[int, Meta(description="Rounds that were worked on.")] = 0
    rows: Annotated[int, Meta(description="Rows sent to the push topic.")] = 0
    tombstones: Annotated[int, Meta(description="Rows erased on the push topic.")] = 0
    pushed: Annotated[
        int, Meta(description="Rows that a change of the catalog sent to live sessions.")
    ] = 0
    conflated: Annotated[
        int,
        Meta(description="Rows left out: a later one of the device stood in the same round."),
    ] = 0
    held_back: Annotated[
        int, Meta(description="Rows left out because the device has the same content already.")
    ] = 0
    letters_erased: Annotated[
        int, Meta(description="Dead letters of forgotten profiles that were erased.")
    ] = 0
    changelog_sent: Annotated[int, Meta(description="Records written to the changelog.")] = 0
    changelog_bytes: Annotated[int, Meta(description="Bytes of these records.")] = 0
    changelog_read: Annotated[
        int,
        Meta(description="Records that recoveries read, also those that the store had already."),
    ] = 0
    rewritten: Annotated[
        int,
        Meta(description="States and tombstones written again: an older state stood behind them."),
    ] = 0
    rebalances: Annotated[int, Meta(description="Hand-overs of partitions.")] = 0
    models_taken: Annotated[int, Meta(description="Artefacts taken from the model topic.")] = 0
    models_refused: Annotated[int, Meta(description="Artefacts refused.")] = 0
    catalog_taken: Annotated[
        int, Meta(description="Records taken from the catalog topic, erasures among them.")
    ] = 0
    catalog_refused: Annotated[int, Meta(description="Records of the catalog topic refused.")] = 0
    working_ms: Annotated[
        int, Meta(description="Time spent in the pure part of rounds and in building rows, ms.")
    ] = 0

    def line(self) -> str:
        """Return the counts as one line of JSON."""
        return msgspec.json.encode(self).decode()

    def write(self, path: Path, stopped_by: str | None = None) -> None:
        """Write the counts to a file, and the error that ended the process, by its class.

        A reader never sees half of it.
        """
        told = msgspec.structs.asdict(self)
        if stopped_by is not None:
            told["stopped_by"] = stopped_by
        half = path.with_name(path.name + ".part")
        half.write_bytes(msgspec.json.encode(told) + b"\n")
        half.replace(path)


def descriptions() -> dict[str, str]:
    """Tell what each count is of, by its name."""
    hints = get_type_hints(Stats, include_extras=True)
    return {name: hints[name].__metadata__[0].description for name in Stats.__struct_fields__}
