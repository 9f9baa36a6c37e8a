"""Topics, and brokers for one machine."""
