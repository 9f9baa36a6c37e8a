"""Small files that are handed in, read no further than they may be long."""

from pathlib import Path

from stream_cw.errors import InputError


def read_at_most(path: Path, most: int) -> bytes:
    """Read a whole file.

    Parameters
    ----------
    path : Path
    most : int
        Bytes that it may have.

    Raises
    ------
    InputError
        If it has more.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise InputError(f"{path}: wanted at most {most} bytes, found more")
    return data
