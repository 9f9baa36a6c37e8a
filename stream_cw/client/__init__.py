"""A client of the gateway: send events, follow a row."""
