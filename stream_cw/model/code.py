"""Which code fits models."""

from hashlib import sha256
from importlib.resources import files
from typing import Final

from stream_cw import __version__

MODULES: Final = (
    "additive",
    "curves",
    "dataset",
    "heldout",
    "labels",
    "metrics",
    "openings",
    "priors",
    "produce",
    "settings",
    "training",
    "trees",
    "viewings",
)
"""Of `stream_cw.model`, those that decide what comes of logs; features have a hash of their own."""


def code_version() -> str:
    """Give the version of stream-cw and, behind a plus, a hash over the sources of `MODULES`."""
    digest = sha256()
    for name in MODULES:
        digest.update(files("stream_cw.model").joinpath(f"{name}.py").read_bytes())
    return f"{__version__}+{digest.hexdigest()[:16]}"
