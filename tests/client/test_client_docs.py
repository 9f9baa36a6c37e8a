"""What the docs show is what is there; that it runs is for test_client.py."""

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

import stream_cw.client

DOCS = Path(__file__).parents[2] / "docs" / "client.md"
MOST_LINES = 20
HEAVY = {"faust", "aiokafka", "confluent_kafka", "numpy", "numba", "rocksdict", "starlette"}


def examples() -> list[str]:
    """Blocks of Python in the docs."""
    return re.findall(r"^```python\n(.*?)^```$", DOCS.read_text(), re.DOTALL | re.MULTILINE)


def test_the_package_shows_the_first_example_of_the_docs() -> None:
    assert indent(examples()[0], "    ") in (stream_cw.client.__doc__ or "")


def test_following_a_row_takes_twenty_lines() -> None:
    assert len(examples()) == 2
    for example in examples():
        assert len([line for line in example.splitlines() if line.strip()]) <= MOST_LINES


def test_the_client_imports_nothing_heavy() -> None:
    code = dedent(
        """
        import sys, stream_cw.client
        print(*sorted({name.partition(".")[0] for name in sys.modules}))
        """
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert "httpx" in loaded.stdout.split()
    assert HEAVY.isdisjoint(loaded.stdout.split())
