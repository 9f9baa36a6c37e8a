"""The pure core: events in, state and rows out; no I/O, no clock, no framework."""
