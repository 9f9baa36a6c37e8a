"""`python -m stream_cw.cli`."""

from stream_cw.cli import main

main()
